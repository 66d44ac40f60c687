"""Constants that a function can never take are errors before the run, at their own place."""

import pytest
from mapping_cases import compiled, value_of

from engine.errors import ExpressionError, MappingError
from engine.mapping.compile import compile_text
from engine.mapping.fitting import STAND_INS, STAND_INS_FOR_DATES, parameters_of
from engine.mapping.functions import FAMILIES, FUNCTIONS

WRONG = [
    ("addDays(now, §'abc')", '`addDays` needs a number, but got the text "abc"'),
    ("addDays(§'tomorrow', 1)", "`addDays` needs a date, but got the text"),
    ("addMonths(x.d, §[])", "`addMonths` needs a number, but got an array of 0"),
    ("addHours(x.d, §1e300)", "`addHours` needs a number of ordinary size"),
    ("setMonth(x.d, §'brumaire')", "`setMonth` needs a number"),
    ("setDay(x.d, §'someday')", "`setDay` needs a number"),
    ("year(§5)", "`year` needs a date, but got the number 5"),
    ("dateDifference(x.d, now, §'eons')", "`dateDifference` needs one of milliseconds"),
    ("dateDifference(x.d, §'soon')", "`dateDifference` needs a date"),
    ("parseDate(x.t, §'Qo')", "`parseDate`: `Qo` cannot be read"),
    ("parseDate(§'x', 'YYYY')", "`parseDate` needs a date like"),
    ("parseDate(§'soon')", "`parseDate` needs a date"),
    ("formatDate(§'soon', 'YYYY')", "`formatDate` needs a date"),
    ("formatDate(x.d, §'" + "Y" * 201 + "')", "`formatDate`: a date format is at most"),
    ("workMinutesDiff(x.d, §true)", "`workMinutesDiff` needs a date"),
    ("dateMax(now, x.d, §'never')", "`dateMax` needs a date"),
    ("round(§'x')", '`round` needs a number, but got the text "x"'),
    ("round(§true)", "`round` needs a number, but got the boolean true"),
    ("sum(1, x.n, §'two', 3)", "`sum` needs a number"),
    ("sum(§[1, 'two'])", "`sum` needs a number"),
    ("sqrt(§-1)", "`sqrt` needs a positive number"),
    ("log(§1, x.n)", "`log` needs a base other than 1"),
    ("div(x.n, §0)", "`div`: cannot divide by zero"),
    ("formatNumber(x.n, §500)", "`formatNumber` needs 0 to 100 decimals"),
    ("formatNumber(x.n, §'few')", "`formatNumber` needs a number"),
    ("parseNumber(x.t, §', ')", "`parseNumber` needs one character"),
    ("substring(x.t, §'a', 3)", "`substring` needs a number"),
    ("left(x.t, §'some')", "`left` needs a number"),
    ("indexOf(x.t, 'a', §'b')", "`indexOf` needs a number"),
    ("replace(x.t, §'/(/', 'b')", "`replace`: this is not a regular expression"),
    ("replace(x.t, §'/(?=a)/', x.new)", "`replace`: regular expressions here cannot look"),
    ("replacePattern(x.t, §'[a', 'b')", "`replacePattern`: this is not a regular expression"),
    ("toBinary(x.t, §'rot13')", "`toBinary` needs `hex` or `base64` as encoding"),
    ("toBinary(§'zz', 'hex')", "`toBinary` needs text in hex"),
    ("sha256(x.t, §'octal')", "`sha256` needs `hex`, `base64` or `latin1`"),
    ("sha512(x.t, 'hex', 'k', §'octal')", "`sha512` needs"),
    ("get(§'text', x.path)", "`get` needs an array or a collection"),
    ("omit(§'text', 'a')", "`omit` needs a collection"),
    ("mergeCollections(x, §[1])", "`mergeCollections` needs a collection"),
    ("toArray(§3)", "`toArray` needs a collection"),
    ("case(§'one', 1, 2)", "`case` needs a number"),
    ("sort(x.list, §'upwards', 'name')", "`sort` needs one of asc, desc"),
    ("arrayDifference(x.a, x.b, §'odd')", "`arrayDifference` needs `classic`"),
    ("arrayElement(x.list, §'first')", "`arrayElement` needs a number"),
    ("slice(x.list, §'a')", "`slice` needs a number"),
    ("flatten(x.list, §'deep')", "`flatten` needs a number"),
    ("map(x.list, §{})", "`map` needs text"),
    ("upper(§{})", "`upper` needs text"),
    ("x.t | substring(§'a')", "`substring` needs a number"),
    ("§'abc' | number", "`number` needs a number"),
    ("x.f | round(1, §'up')", "`round` needs `common`, `ceil` or `floor`"),
    ("x.f | round(§'much')", "`round` needs a number"),
    ("x.f | round(precision=§'much')", "`round` needs a number"),
    ("x.list | batch(§0)", "`batch` needs a positive number"),
    ("x.list | slice(§'a')", "`slice` needs a number"),
    ("x | dictsort(by=§'size')", "`dictsort` needs `key` or `value`"),
    ("x | tojson(§99)", "`tojson` needs 0 to 16 spaces"),
    ("x.t | truncate(§-1)", "`truncate` needs a length"),
    ("x.t | replace('a', §{})", "`replace` needs text"),
    ("1 + (2 if x.n else round(§'x'))", "`round` needs a number"),
]


@pytest.mark.parametrize(("marked", "message"), WRONG)
def test_a_constant_that_never_fits_is_told_at_its_first_letter(marked: str, message: str) -> None:
    before, _, after = ("{{ " + marked + " }}").partition("§")

    with pytest.raises(ExpressionError) as caught:
        compile_text(before + after)

    assert caught.value.problem_code == "E215"
    assert caught.value.message.startswith(message)
    assert caught.value.offset == len(before)


def test_the_place_is_as_long_as_the_constant_with_its_quotes() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_text('{{ round("x y") }}')

    assert caught.value.length == len('"x y"')
    assert caught.value.notes == ("write round(number)",)


@pytest.mark.parametrize(
    "expression",
    [
        "round('1.5')",
        "round(null)",
        "addDays('2020-01-01', '3')",
        "addDays(x.d, x.n)",
        "setMonth(x.d, 'may')",
        "formatDate(x.d, 'YYYY', 'Nowhere/Land')",
        "parseDate('24|12|2030', x.format)",
        "parseDate('24|12|2030', 'DD|MM|YYYY', x.zone)",
        "toBinary('V29ya2Zyb250', x.encoding)",
        "toBinary('V29ya2Zyb250', 'base64')",
        "sha512(x.t, 'hex', 'abcd', x.how)",
        "sort(x.list, 'name')",
        "sort(x.list, x.way, 'name')",
        "sum([1, x.n])",
        "power(x.n, 5000)",
        "log(10, x.n)",
        "get({}, 1)",
        "keys('text')",
        "first('text')",
        "join('text', ', ')",
        "ifempty(x.n, 'none')",
        "switch(x.n, 1, 'a', 'b')",
        "ifin(x.n, 1, 2, 'a', 'b')",
        "in(x.n, 1, 'a')",
        "case(1, 'a', {})",
        "merge([], 'a', x.list)",
        "replace(x.t, '/', 'b')",
        "x.n | default('x')",
        "x.t | int('none')",
        "x.t | truncate(2, true, x.end)",
        "x.t | center('5')",
        "x.list | join(5)",
        "x | tojson(x.n)",
        "range('5')",
        "upper(erase)",
    ],
)
def test_what_may_fit_is_left_to_the_run(expression: str) -> None:
    assert compiled("{{ " + expression + " }}").is_expression


def test_null_is_left_to_the_run() -> None:
    with pytest.raises(MappingError, match="`round` needs a number, but `null` is null"):
        value_of("{{ round(null) }}")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_example_and_every_stand_in_fits(name: str) -> None:
    function = FUNCTIONS[name]
    assert compile_text("{{ " + function.example + " }}")
    stand_ins = STAND_INS_FOR_DATES if function in FAMILIES["dates"] else STAND_INS
    for parameter in parameters_of(function, function.least):
        assert parameter in stand_ins


def test_parameters_are_named_around_the_repeated_one() -> None:
    assert parameters_of(FUNCTIONS["ifin"], 3) == ["value", "then", "otherwise"]
    names = ["value", "candidate", "candidate", "then", "otherwise"]
    assert parameters_of(FUNCTIONS["ifin"], 5) == names
    assert parameters_of(FUNCTIONS["sum"], 2) == ["number", "number"]
    assert parameters_of(FUNCTIONS["merge"], 3) == ["array", "more", "more"]
    assert parameters_of(FUNCTIONS["substring"], 2) == ["text", "start"]


def test_constants_are_tried_without_building_much() -> None:
    sizes = ", ".join(f"range({size})" for size in range(90_000, 90_300))
    assert compile_text("{{ [" + sizes + "] }}")
