"""Regular expressions: JavaScript's spelling, and no pattern that takes long."""

import time
from contextlib import suppress
from typing import Any

import pytest
from mapping_cases import value_of

from engine.errors import MappingError
from engine.mapping.functions.patterns import compile_pattern
from engine.mapping.refusal import Refused

BIG = "a" * 900_000


def replaced(text: Any, search: str, new: str, function: str = "replace") -> Any:
    return value_of("{{ " + function + "(x.t, x.s, x.n) }}", x={"t": text, "s": search, "n": new})


@pytest.mark.parametrize(
    ("text", "search", "new", "result"),
    [
        ("a=b=c", "/=/", "-", "a-b=c"),
        ("a=b=c", "/=/g", "-", "a-b-c"),
        ("aAa", "/a/gi", "x", "xxx"),
        ("a\nb", "/^b/m", "x", "a\nx"),
        ("a\nb", "/a$/", "x", "a\nb"),
        ("a\nb", "/a.b/s", "x", "x"),
        ("a\nb", "/a.b/", "x", "a\nb"),
        ("Hello World", r"/(\w+) (\w+)/", "$2 $1", "World Hello"),
        ("ab", "/(a)(b)/", "$1$&$$$2$3$0", "aab$b$3$0"),
        ("ab", "/(a)/", "$12", "a2b"),
        ("abcdefghijk", "/(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)/", "$11$10", "kj"),
        ("ac", "/(a)|(b)/g", "[$2]", "[]c"),
        ("äöü", "/ö/", "o", "äoü"),
        ("äé😀", "/(?:)/g", "-", "-ä-é-😀-"),
        ("aaa", "/a*/g", "x", "xx"),
        ("x\u00a0y\u2003z", r"/\s/g", "_", "x_y_z"),
        ("a b", r"/[^\s]/g", "_", "_ _"),
        ("a b", r"/[\S]/g", "_", "_ _"),
        ("a/b", r"/\//", "-", "a-b"),
        ("caf\u00e9", r"/\u00e9/", "e", "cafe"),
        ("😀", r"/\u{1F600}/u", ":)", ":)"),
        ("a\tb", r"/\cI/", "-", "a-b"),
        ("a]b[", r"/[\][]/g", "-", "a-b-"),
        ("a\nb", "/[^]/g", "x", "xxx"),
        ("ab", "/[]/g", "x", "ab"),
        ("ab", "/(?<first>a)/", "$1$1", "aab"),
        ("/home/user", "/home/user", "~", "~"),
        ("a/b", "/", "-", "a-b"),
        ("{{a}}", r"/\{\{(.*?)\}\}/", "$1", "a"),
        (None, "/a/", "x", ""),
        (12, "/1/", "x", "x2"),
    ],
)
def test_replace_takes_a_regular_expression(text: Any, search: str, new: str, result: str) -> None:
    assert replaced(text, search, new) == result


def test_replace_pattern_takes_every_match() -> None:
    assert replaced("foo123bar4", r"\d+", "_", "replacePattern") == "foo_bar_"
    assert replaced("aA", "/a/i", "x", "replacePattern") == "xx"
    assert value_of('{{ "a1b2" | replacePattern("[0-9]", "") }}') == "ab"
    mapped = "{{ x | map('replacePattern', '(.)b', '$1') | join }}"
    assert value_of(mapped, x=["ab", "cb"]) == "ac"


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ("/(?=a)/", "cannot look around"),
        ("/(?!a)/", "cannot look around"),
        ("/(?<=a)b/", "cannot look around"),
        ("/(?<!a)b/", "cannot look around"),
        (r"/(a)\1/", "no backreferences"),
        (r"/(?<x>a)\k<x>/", "no backreferences"),
        ("/(?i)a/", "opens no group"),
        ("/(?P<x>a)/", "opens no group"),
        (r"/\Aa/", "means nothing"),
        (r"/\C/", "means nothing"),
        ("/a/y", "flags of a regular expression"),
        ("/a/gg", "flags of a regular expression"),
        ("/(/", "not a regular expression"),
        ("/[a/", "not a regular expression"),
        ("/a**/", "not a regular expression"),
        ("/a{2000}/", "not a regular expression"),
        ("/a\\\\\\/", "not a regular expression"),
        (r"/\u{ffffff}/", "not a regular expression"),
        ("/" + "a" * 1500 + "/", "at most 1,000 characters"),
    ],
)
def test_what_a_pattern_may_not_hold_is_told(search: str, told: str) -> None:
    with pytest.raises(MappingError, match=told):
        replaced("aa", search, "b")


@pytest.mark.parametrize(
    ("text", "search"),
    [
        (BIG + "b", "/(a+)+$/g"),
        (BIG, "/(a*)*b/g"),
        (BIG, "/(x+x+)+y/g"),
        (BIG, "/(.*)(.*)(.*)(.*)(.*)x/g"),
        (BIG, "/(?:a?){300}a{300}/g"),
        (BIG, "/[ab]*a[ab]{500}c/g"),
        (BIG, "/a.*b|a/g"),
        (BIG, "/a/g"),
        (BIG, "/(?:)/g"),
        ("a" * 30_000, "/a.*b|a/g"),
        (BIG, "/(((a{30}){30}){30}){30}/"),
        (BIG, r"/(?:\p{L}{900})b/i"),
        (BIG, "/" + "(a|" * 300 + "b" + ")" * 300 + "/g"),
        (BIG, "/" + "(" * 900 + "/g"),
    ],
)
def test_no_pattern_takes_long(text: str, search: str) -> None:
    started = time.process_time()
    with suppress(MappingError):
        replaced(text, search, "")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "expression",
    [
        "{{ x | map('replacePattern', 'a.*b|a', '') | list }}",
        "{% for t in x %}{{ replacePattern(t, 'a.*b|a', '') }}{% endfor %}",
        "{{ [" + ", ".join(["replace(x[0], '/a.*b|a/g', '')"] * 60) + "] }}",
    ],
)
def test_many_patterns_share_what_one_evaluation_may_take(expression: str) -> None:
    started = time.process_time()
    with pytest.raises(MappingError, match="takes too long"):
        value_of(expression, x=["a" * 5_000] * 2_000)
    assert time.process_time() - started < 2


def test_a_result_beyond_the_limit_is_refused_before_it_is_built() -> None:
    with pytest.raises(MappingError, match="longer than"):
        replaced("a" * 10_000, "/(a+)/", "$1" * 5_000)
    with pytest.raises(MappingError, match="longer than"):
        replaced("a" * 1_000_001, "/b/", "c")


def test_broken_text_is_refused() -> None:
    with pytest.raises(MappingError, match="broken characters"):
        replaced("\ud800", "/a/", "b")
    with pytest.raises(Refused):
        compile_pattern("\ud800")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Hi 👋!", "Hi _!"),
        ("👨‍👩‍👧 and 👍🏽", "_ and _"),
        ("🇩🇪 1️⃣ 5 # ©", "_ _ 5 # _"),
        ("plain ä 漢", "plain ä 漢"),
    ],
)
def test_emoji_are_replaced_whole(text: str, result: str) -> None:
    assert value_of("{{ replaceEmojiCharacters(x, '_') }}", x=text) == result
