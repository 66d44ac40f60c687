"""Every function, by rows of expression and result; most rows are the help's own examples."""

from typing import Any

import pytest
from mapping_cases import result

from engine.errors import ExpressionError, MappingError
from engine.mapping.compile import compile_text
from engine.mapping.functions import FAMILIES, FUNCTIONS

X: dict[str, Any] = {
    "none": None,
    "empty": "",
    "list": [3, 1, 2],
    "words": ["b", "C", "a"],
    "users": [
        {"name": "Bob", "age": 22, "mail": {"work": "b@x"}},
        {"name": "Ann", "age": 31, "mail": {}},
        {"name": "Bob", "age": 40},
    ],
    "user": {"name": "Bob", "password": "p", "mail": "b@x"},
    "buffer": b"ab",
}

GENERAL: list[tuple[str, Any]] = [
    ("get(x.words, 1 + 1)", "C"),
    ("get(x.words, 9)", None),
    ("get(x.users, '1.mail.work')", "b@x"),
    ("get(x.user, 'name')", "Bob"),
    ("get(x.none, 'a')", None),
    ("if(1 == 1, 'A', 'B')", "A"),
    ("if(0, 'A', 'B')", "A"),
    ("if('false', 'A', 'B')", "B"),
    ("if(x.none, 'A', 'B')", "B"),
    ("'z' if if(true, false, true) else 'y'", "y"),
    ("ifempty('', 'B')", "B"),
    ("ifempty(x.none, 'B')", "B"),
    ("ifempty(x.missing.deep, 'B')", "B"),
    ("ifempty(0, 'B')", 0),
    ("ifempty(' ', 'B')", " "),
    ("switch('B', 'A', 1, 'B', 2, 'C', 3)", 2),
    ("switch('X', 'A', 1, 4)", 4),
    ("switch('X', 'A', 1)", None),
    ("switch(1, true, 'no', 1, 'yes')", "yes"),
    ("omit(x.user, 'password', 'mail')", {"name": "Bob"}),
    ("pick(x.user, 'mail', 'zzz')", {"mail": "b@x"}),
    ("mergeCollections({'a': 1, 'b': 1}, {'b': 2})", {"a": 1, "b": 2}),
    ("mergeCollections(x.none, {'b': 2})", {"b": 2}),
    ("isBlank(0)", False),
    ("isBlank(' ')", False),
    ("isBlank('')", True),
    ("isBlank(x.none)", True),
    ("in('2', 1, 2, 3)", False),
    ("in(2, 1, 2, 3)", True),
    ("not in(2, 1)", True),
    ("1 == 1 and in('a', 'a')", True),
    ("ifin('D', 'A', 'yes', 'no')", "no"),
    ("ifin('D', 'A', 'D', 'yes', 'no')", "yes"),
    ("case(5, 'a', 'b')", None),
    ("case(2, 'a', 'b')", "b"),
    ("range(3)", [0, 1, 2]),
    ("range(5, 1, -2)", [5, 3]),
    ("range(0)", []),
]

MATH: list[tuple[str, Any]] = [
    ("abs(-3.14)", 3.14),
    ("ceil(1.2)", 2),
    ("floor(1.9)", 1),
    ("floor('-1.1')", -2),
    ("round(1.5)", 2),
    ("round(-1.5)", -1),
    ("round(2.5)", 3),
    ("round(0.49999999999999994)", 0),
    ("sqrt(9)", 3.0),
    ("ln(1)", 0.0),
    ("log(2, 8)", 3),
    ("power(4, 0.5)", 2.0),
    ("number('42')", 42),
    ("number(' 4.5e1 ')", 45.0),
    ("div(100, 5, 4)", 5.0),
    ("sub(10, 3, 2)", 5),
    ("prod(2, 3, 4)", 24),
    ("sum(1, 2, 3)", 6),
    ("sum(x.list)", 6),
    ("sum([])", 0),
    ("average(1, 2)", 1.5),
    ("average([])", None),
    ("min(x.list)", 1),
    ("max(3, '10', 2)", 10),
    ("max([])", None),
    ("median(2, 3, 5, 8)", 4.0),
    ("median(5, 1, 3)", 3),
    ("stdevS(1, 2, 3)", 1.0),
    ("stdevP([1, 3])", 1.0),
    ("stdevS(1)", None),
    ("trunc(3.149, 2)", 3.14),
    ("trunc(-3.9)", -3),
    ("parseNumber('1 756,456', ',')", 1756.456),
    ("parseNumber('1,234.5')", 1234.5),
    ("formatNumber(123456789, 3, ';', '.')", "123.456.789;000"),
    ("formatNumber(1234.5, 2)", "1.234,50"),
    ("formatNumber(0.5, 0, ',', '.')", "0"),
    ("sortAscNum(3, 1, 2)", [1, 2, 3]),
    ("sortDescNum(x.list)", [3, 2, 1]),
]

TEXT: list[tuple[str, Any]] = [
    ("length('hello')", 5),
    ("length(x.buffer)", 2),
    ("length(x.list)", 3),
    ("length(x.none)", 0),
    ("lower('HeLLo')", "hello"),
    ("upper('straße')", "STRASSE"),
    ("upper(x.none)", ""),
    ("upper(12)", "12"),
    ("capitalize('hello WORLD')", "Hello WORLD"),
    ("startcase('hello WORLD')", "Hello World"),
    ("pascal('foo bar baz')", "FooBarBaz"),
    ("trim('  a b ')", "a b"),
    ("ascii('ěščřž', true)", "escrz"),
    ("ascii('ěščřž a')", " a"),
    ("removeAccents('Héllo wörld')", "Hello world"),
    ("replace('Hello World', 'Hello', 'Hi')", "Hi World"),
    ("replace('a-b-c', '-', '')", "abc"),
    ("replace('a/b/c', '/', '-')", "a-b-c"),
    ("replace('a=b=c', '/=/g', '-')", "a-b-c"),
    ("replacePattern('foo123bar', '[0-9]+', '_')", "foo_bar"),
    ("replaceEmojiCharacters('Hi 👋', '!')", "Hi !"),
    ("replace('abc', '', 'x')", "abc"),
    ("substring('Hello', 1, 3)", "el"),
    ("substring('Hello', 3)", "lo"),
    ("left('Hello', 3)", "Hel"),
    ("right('Hello', 3)", "llo"),
    ("right('Hi', 9)", "Hi"),
    ("indexOf('Workfront', 'o', 3)", 6),
    ("indexOf('Workfront', 'z')", -1),
    ("contains('Hello', 'ell')", True),
    ("contains('Hello', 'ELL')", False),
    ("contains([1, 2], 2)", True),
    ("contains([1, 2], '2')", False),
    ("split('a,b', ',')", ["a", "b"]),
    ("split('ab', '')", ["a", "b"]),
    ("concat('-', 'a', 'b', 'c')", "a-b-c"),
    ("sortAscString('b', 'a')", ["a", "b"]),
    ("sortDescString(x.words)", ["b", "a", "C"]),
    ("encodeURL('a b&č')", "a%20b%26%C4%8D"),
    ("decodeURL('Automate%20your%20workflow')", "Automate your workflow"),
    ("escapeHTML('<b>Hello</b>')", "&lt;b&gt;Hello&lt;/b&gt;"),
    ("stripHTML('<b>Hello</b> 1 < 2')", "Hello 1 < 2"),
    ("escapeMarkdown('# Header')", "&#35; Header"),
    ("toString(42)", "42"),
    ("toString(x.buffer)", "ab"),
    ("toBinary('V29ya2Zyb250', 'base64')", b"Workfront"),
    ("toBinary('6162', 'hex')", b"ab"),
    ("toBinary('é')", b"\xc3\xa9"),
    ("base64('workfront')", "d29ya2Zyb250"),
    ("base64(x.buffer)", "YWI="),
    ("md5('')", "d41d8cd98f00b204e9800998ecf8427e"),
    ("sha1('workfront')", "b2b30b8ae1f9e5b40fbb0696eaabdbfd8d0c087f"),
    ("sha256('')", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("sha1('a', 'base64')", "hvfkN/qlp/zhXR3cuerq6jd2Z7g="),
    ("length(sha512('a', 'latin1', 'key'))", 64),
    ("sha512('a', 'hex', '6b6579', 'hex') == sha512('a', 'hex', 'key')", True),
]

ARRAYS: list[tuple[str, Any]] = [
    ("join(x.list, ', ')", "3, 1, 2"),
    ("reverse(x.list)", [2, 1, 3]),
    ("shuffle(x.list)", [1, 2, 3]),
    ("merge(x.list, [9], x.none)", [3, 1, 2, 9]),
    ("add(x.list, 4, [5])", [3, 1, 2, 4, [5]]),
    ("keys(x.user)", ["name", "password", "mail"]),
    ("slice(x.list, 1)", [1, 2]),
    ("slice(x.list, 0, 2)", [3, 1]),
    ("remove([1, '1', 2, 1], 1)", ["1", 2]),
    ("map(x.users, 'name')", ["Bob", "Ann", "Bob"]),
    ("map(x.users, 'mail.work')", ["b@x"]),
    ("map(x.users, 'age', 'name', 'Bob,Eve')", [22, 40]),
    ("sort(x.words)", ["C", "a", "b"]),
    ("sort(x.words, 'asc ci')", ["a", "b", "C"]),
    ("sort(x.words, 'desc')", ["b", "a", "C"]),
    ("map(sort(x.users, 'desc', 'age'), 'age')", [40, 31, 22]),
    ("map(sort(x.users, 'name'), 'age')", [31, 22, 40]),
    ("sort([2, none, 'a', 1])", [1, 2, "a", None]),
    ("flatten([1, [2, [3]]])", [1, 2, [3]]),
    ("flatten([1, [2, [3]]], 9)", [1, 2, 3]),
    ("distinct([1, '1', 1, true])", [1, "1", True]),
    ("map(distinct(x.users, 'name'), 'age')", [22, 31]),
    ("deDuplicate(['a', 'a'])", ["a"]),
    ("toCollection(x.users, 'name', 'age')", {"Bob": 40, "Ann": 31}),
    ("toArray({'a': 1, 'b': 2})", [{"a": 1}, {"b": 2}]),
    ("arrayDifference([1, 2, 3, 4, 5], [3, 4, 5, 6, 7], 'symmetric')", [1, 2, 6, 7]),
    ("arrayDifference([1, 2], [2])", [1]),
    ("arrayDiff([1, 2], [2])", [1]),
    ("arrayIntersect([1, 2, 3], [3, 1])", [1, 3]),
    ("arrayElement(x.list, 1)", 3),
    ("arrayElement(x.list, 9)", None),
    ("first(x.list)", 3),
    ("last(x.list)", 2),
    ("last([])", None),
]


@pytest.mark.parametrize(("expression", "expected"), [*GENERAL, *MATH, *TEXT, *ARRAYS])
def test_a_function_gives_its_result(expression: str, expected: Any) -> None:
    found = result(expression, x=X)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("ceil(x.none)", "`ceil` needs a number, but `x.none` is null"),
        ("sum([1, 'a'])", '`sum` needs a number, but got the text "a"'),
        ("sqrt(-1)", "`sqrt` needs a positive number, but got the number -1"),
        ("ln(0)", "`ln` needs a positive number"),
        ("log(1, 5)", "`log` needs a base other than 1"),
        ("div(1, 0)", "`div`: cannot divide by zero"),
        ("number('abc')", '`number` needs a number, but got the text "abc"'),
        ("number('9' ~ x.list)", "`number` needs a number"),
        ("parseNumber('n/a')", "`parseNumber` needs a number"),
        ("upper(x.user)", "`upper` needs text, but `x.user` is a collection of 3"),
        (
            "replace('aa', '/(?=a)/g', 'b')",
            "`replace`: regular expressions here cannot look around",
        ),
        ("toBinary('zz', 'hex')", "`toBinary` needs text in hex"),
        ("toBinary('a', 'rot13')", "`toBinary` needs `hex` or `base64` as encoding"),
        ("sha1('a', 'rot13')", "`sha1` needs `hex`, `base64` or `latin1` as encoding"),
        ("sha512('a', 'hex', 'k', 'binary')", "`sha512` needs a buffer as key"),
        ("omit(x.list, 'a')", "`omit` needs a collection, but `x.list` is an array of 3"),
        ("get(5, 'a')", "`get` needs an array or a collection"),
        ("toArray(x.list)", "`toArray` needs a collection"),
        ("sort(x.words, 'upwards', 'k')", "`sort` needs one of asc, desc"),
        ("arrayDifference([1], [2], 'odd')", "`arrayDifference` needs `classic` or `symmetric`"),
        ("formatNumber(1, 500)", "`formatNumber` needs 0 to 100 decimals"),
        ("range(1, 5, 0)", "`range`: a range cannot advance by 0"),
        ("case('a', 1)", '`case` needs a number, but got the text "a"'),
    ],
)
def test_a_function_says_what_it_cannot_take(expression: str, message: str) -> None:
    with pytest.raises((ExpressionError, MappingError)) as caught:
        result(expression, x=X)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ upper() }}", "`upper` does not take 0 arguments"),
        ("{{ upper(1, 2) }}", "`upper` does not take 2 arguments"),
        ("{{ if(1, 2) }}", "`if` does not take 2 arguments"),
        ("{{ ifin(1, 2, 3) }}", "`ifin` does not take 3 arguments"),
        ("{{ upper(text='a') }}", "`upper` takes its arguments by place"),
        ("{{ upper(*x) }}", "`*` and `**` do not unpack"),
    ],
)
def test_arguments_are_counted_when_the_text_is_compiled(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_text(text)
    assert caught.value.problem_code == "E211"
    assert caught.value.message.startswith(message)


def test_functions_never_change_their_arguments() -> None:
    before = repr(X)
    for expression, _ in [*GENERAL, *MATH, *TEXT, *ARRAYS]:
        result(expression, x=X)
    assert repr(X) == before


def test_every_function_has_a_row_of_its_own() -> None:
    rows = " ".join(expression for expression, _ in [*GENERAL, *MATH, *TEXT, *ARRAYS])
    missing = [name for name in FUNCTIONS if f"{name}(" not in rows]
    dates = {function.name for function in FAMILIES["dates"]}
    assert set(missing) == dates


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_documented_by_an_example_that_compiles(name: str) -> None:
    function = FUNCTIONS[name]
    assert function.doc.endswith(".")
    assert function.example.startswith(f"{name}(")
    assert not isinstance(compile_text("{{ " + function.example + " }}"), str)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("now", "2026-03-05T14:07:09.120Z"),
        ("timestamp", "1772719629"),
        ("pi", "3.141592653589793"),
        ("random", "0.25"),
        ("uuid", "0" * 32),
        ("executionID", "e1"),
        ("executionId", "e1"),
        ("scenarioName", "Videos"),
        ("operationsConsumed", "4"),
        ("triggerTimestamp", ""),
        ("null", ""),
        ("emptystring", ""),
        ("emptyarray", ""),
        ("add(emptyarray, 1)", "1"),
        ("space", " "),
        ("tab", "\t"),
        ("newline", "\n"),
        ("nbsp", "\u00a0"),
        ("carriagereturn", "\r"),
        ("ignore", ""),
        ("erase", ""),
    ],
)
def test_variables_and_keywords(expression: str, expected: str) -> None:
    assert result(f"'<' ~ {expression}") == f"<{expected}"


def test_an_empty_array_is_a_new_one_each_time() -> None:
    assert result("emptyarray") == []
    assert result("emptyarray") is not result("emptyarray")
