from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mapping_cases import compiled, value_of

from engine.errors import ExpressionError, MappingError
from engine.mapping.compile import compile_text
from engine.model.bundle import File

X: dict[str, Any] = {
    "name": "Ann",
    "n": 3,
    "half": 0.5,
    "whole": 3.0,
    "yes": True,
    "none": None,
    "date": datetime(2026, 1, 2, 3, 4, 5, 6_000, tzinfo=UTC),
    "list": ["a", 1, None, True],
    "rows": [{"k": "a", "v": 1}, {"k": "b", "v": 2}],
    "address": {"city": "Brno"},
    "buffer": b"caf\xc3\xa9",
    "broken": b"\xff\xfe",
    "empty": "",
}


@pytest.mark.parametrize("item", ["n", "half", "yes", "none", "date", "list", "address", "buffer"])
def test_a_field_that_is_one_expression_keeps_the_value_itself(item: str) -> None:
    for text in ("{{ x.%s }}", "  {{ x.%s }}\n", "{{- x.%s -}}", "{# note #}{{ x.%s }}"):
        assert value_of(text % item, x=X) is X[item]
        assert compiled(text % item).is_expression


@pytest.mark.parametrize("text", ["12", "00712", "9**9**9", "[" * 100_000, "9" * 5000, "{1: 2}"])
def test_text_stays_text(text: str) -> None:
    assert value_of("{{ x }}", x=text) is text
    assert value_of("<{{ x }}>", x=text) == f"<{text}>"
    assert compile_text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{x.name}} <{{x.n}}>", "Ann <3>"),
        ("{{ x.name }}{{ x.name }}", "AnnAnn"),
        ("a {{ x.n }} b {{ x.n }} c {{ x.n }} d", "a 3 b 3 c 3 d"),
        ("is {{ x.yes }}", "is true"),
        ("[{{ x.none }}]", "[]"),
        ("[{{ x.missing.deeper }}]", "[]"),
        ("at {{ x.date }}", "at 2026-01-02T03:04:05.006Z"),
        ("{{ x.list }}.", "a, 1, , true."),
        ("{{ x.half }}/{{ x.whole }}", "0.5/3"),
        ("{{ x.buffer }}!", "café!"),
        ("{{ 1e21 }};{{ 1e22 }}", "1e+21;1e+22"),
        ("{{ '{{' }} {{ '}}' }}", "{{ }}"),
        ("a {# nothing #}b{{ x.empty }}", "a b"),
        ("{% raw %}{{ x }}{% endraw %} {{ x.n }}", "{{ x }} 3"),
        ("a {{- x.n -}} b", "a3b"),
    ],
)
def test_mixed_text_uses_the_text_column_of_coercion(text: str, expected: str) -> None:
    assert value_of(text, x=X) == expected
    assert not compiled(text).is_expression


def test_a_single_literal_brace_is_an_expression_of_its_own() -> None:
    assert value_of("{{ '{{' }}") == "{{"
    assert compiled("{{ '{{' }}").references == ()


def test_a_text_without_expressions_comes_back_as_text() -> None:
    assert compile_text("plain } text {") == "plain } text {"
    assert compile_text("a{# note #}b") == "ab"
    assert compile_text("{% raw %}{{ x }}{% endraw %}") == "{{ x }}"


@pytest.mark.parametrize(
    ("text", "blamed"), [("to {{ x.address }}", "x.address"), ("{{ x.n }}{{ x.rows }}", "x.rows")]
)
def test_a_collection_in_text_is_an_error_at_its_item(text: str, blamed: str) -> None:
    with pytest.raises(MappingError, match="the text needs text, but") as caught:
        value_of(text, x=X)
    assert text[caught.value.offset :][: caught.value.length] == blamed
    assert "tojson" in caught.value.notes[0]


def test_a_file_in_text_is_an_error_that_names_it() -> None:
    file = File("clip.mov", 5, "video/quicktime", "0" * 64, Path("content"))
    with pytest.raises(MappingError, match=r"`v\.file` is the file clip\.mov"):
        value_of("see {{ v.file }}", v={"file": file})


def test_a_buffer_that_is_no_text_is_an_error_in_text() -> None:
    with pytest.raises(MappingError, match="text in UTF-8"):
        value_of("see {{ x.broken }}", x=X)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% if x.yes %}a{% else %}b{% endif %}", "a"),
        ("{% if x.none %}a{% elif x.n > 2 %}b{% else %}c{% endif %}", "b"),
        ("{% if x.none %}a{% endif %}", ""),
        ("{% for r in x.rows %}{{ r.k }}={{ r.v }};{% endfor %}", "a=1;b=2;"),
        ("{% for r in x.rows if r.v > 1 %}{{ loop.index }}{{ r.k }}{% endfor %}", "1b"),
        ("{% for r in x.missing %}a{% else %}none{% endfor %}", "none"),
        ("{% for k, v in x.address | items %}{{ k }}:{{ v }}{% endfor %}", "city:Brno"),
        ("{% for c in 'ab' %}{{ c }}{{ '-' if not loop.last }}{% endfor %}", "a-b"),
        ("{% for i in range(3) %}{{ loop.revindex }}{% endfor %}", "321"),
        ("{% set total = x.n * 2 %}{{ total }}", "6"),
        ("{% set a, b = [1, 2] %}{{ b }}{{ a }}", "21"),
        ("{% set t %}<{{ x.n }}>{% endset %}{{ t }}{{ t }}", "<3><3>"),
        ("{% set x = 1 %}{{ x }}", "1"),
        ("{% set n = 0 %}{% for i in [1, 2] %}{% set n = i %}{% endfor %}{{ n }}", "0"),
        ("{% if x.none %}{% set q = 1 %}{% endif %}[{{ q }}]", "[]"),
        ("{% for a in [[1, 2], [3]] %}{% for b in a %}{{ b }}{% endfor %};{% endfor %}", "12;3;"),
        ("{{ x.n }}{% if x.yes %}\n{% endif %}", "3\n"),
    ],
)
def test_statements_in_texts_produce_text(text: str, expected: str) -> None:
    found = value_of(text, x=X)
    assert found == expected
    assert isinstance(found, str)
    assert not compiled(text).is_expression


def test_a_text_that_sets_names_leaves_the_scope_alone() -> None:
    scope: dict[str, Any] = {"x": X}
    compiled("{% set y = 1 %}{% for z in x.rows %}{% set w = z %}{% endfor %}").evaluate(scope)
    assert scope == {"x": X}


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("{{ a +* b }}", "E210", "*"),
        ("{{ }}", "E210", "}}"),
        ("{{ a b }}", "E210", "b"),
        ("{{ a = 1 }}", "E210", "="),
        ("{{ if(a; b; c) }}", "E210", ";"),
        ("x {{- a b }}", "E210", "b"),
        ("line\r\n{{ a b }}", "E210", "b"),
        ("{% if a %}b", "E210", "b"),
        ("{% endif %}", "E210", "endif"),
        ("{% set now = 1 %}", "E211", "now"),
        ("{% for a in b recursive %}{% endfor %}", "E211", "for"),
        ("{{ 'x'.upper }}", "E211", "."),
        ("{% set a.b = 1 %}", "E211", "a"),
        ("{% include 'x' %}", "E211", "include"),
        ("{% import 'x' as y %}", "E211", "import"),
        ("{% from 'x' import y %}", "E211", "from"),
        ("{% extends 'x' %}", "E211", "extends"),
        ("{% macro m() %}{% endmacro %}", "E211", "macro"),
        ("{% block b %}{% endblock %}", "E211", "block"),
        ("{% call f() %}{% endcall %}", "E211", "call"),
        ("{% filter upper %}{% endfilter %}", "E211", "filter"),
        ("{% with a = 1 %}{% endwith %}", "E211", "with"),
        ("a {{ uper(x) }}", "E212", "uper"),
        ("a {{ x | formatdate('x') }}", "E212", "formatdate"),
        ("a {{ x is not evn }}", "E212", "evn"),
    ],
)
def test_a_text_that_does_not_compile_points_at_the_word(text: str, code: str, marked: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_text(text)
    error = caught.value
    assert error.problem_code == code
    assert text[error.offset :][: error.length] == marked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% for x in a %}{{ x }}", "`{% for %}` has no end `{% endfor %}`"),
        ("{% if a %}{% if b %}{% endif %}", "`{% if %}` has no end `{% endif %}`"),
        (
            "{% for x in a %}{% endif %}",
            "`endif` stands inside of `for`, which ends with `{% endfor %}`",
        ),
        ("{% endif %}", "there is no `{% if %}` that this could end"),
        ("{% else %}", "there is no `{% if %}` that `else` could belong to"),
        ("{% unless a %}", "there is no statement `unless`"),
    ],
)
def test_statements_that_do_not_pair_up_are_told_in_their_own_words(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_text(text)
    assert str(caught.value) == said


def test_an_unknown_name_is_guessed() -> None:
    with pytest.raises(ExpressionError, match="did you mean `formatDate`"):
        compile_text("{{ x | formatdate('x') }}")
    with pytest.raises(ExpressionError, match="there is no function `title`") as caught:
        compile_text("{{ title(x) }}")
    assert caught.value.notes == ("`title` is a filter: write `value | title`",)


def test_a_method_call_is_answered_with_the_function() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_text("{{ x.name.upper() }}")
    assert caught.value.notes == ("write `upper(value)`",)
