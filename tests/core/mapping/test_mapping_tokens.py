from collections.abc import Iterable

import pytest
from jinja2.sandbox import SandboxedEnvironment
from mapping_cases import value_of

from engine.errors import ExpressionError
from engine.mapping.tokens import tokenize

JINJA = SandboxedEnvironment(keep_trailing_newline=True)
LIKE_JINJA = [
    "plain",
    "{{ a.b[0]['c'].1 }}",
    "x {{- a -}}  \n y",
    "{%- if a == 1 +%} x {%- else -%}\n y {% endif -%} z",
    "{# c {{ no }} #}a{#- c -#} b {#+ c +#}",
    "{% raw %}{{ x }}{% endraw %} {%- raw -%} {% x %} {%- endraw -%} y",
    "{{ {'a': {'b': 1}} }}",
    "{{ 1 + 2.5 - 1e3 * 0x1F / 0b11 // 0o17 % 1_000 ** 2 ~ 'x' }}",
    "{{ 'a\\'b' \"c\\\"d\" '\\n\\t\\x41\\u00e9\\101' }}",
    "{{ f(a, b=1)|g(2) is not h }}",
    "{{ a<=b>=c!=d==e<f>g }}",
    "{{ ünï_1 }} é {{ x }}\n",
    "{{ '}}' }} {{ \"%}\" }}",
    "{ { } } % # {",
    "{{a}}{{b}}\n\n{{c}}",
]


@pytest.mark.parametrize("text", LIKE_JINJA)
def test_tokens_are_those_of_jinja(text: str) -> None:
    theirs = [(token.type, token.value) for token in JINJA._tokenize(text, None)]
    endings = ("variable_begin", "variable_end", "block_begin", "block_end")
    ours = [(kind, value) for _, kind, value in tokenize(text)]

    def plain(tokens: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
        return [(kind, None if kind in endings else value) for kind, value in tokens]

    assert plain(ours) == plain(theirs)


@pytest.mark.parametrize("text", LIKE_JINJA)
def test_every_token_starts_at_its_offset(text: str) -> None:
    for offset, kind, value in tokenize(text):
        if kind in ("name", "data", "dot", "add", "lbrace"):
            assert text.startswith(str(value), offset)


def test_offsets_hold_after_white_space_is_stripped() -> None:
    text = "a   \n {{- x }}"
    assert [(offset, kind) for offset, kind, _ in tokenize(text)] == [
        (0, "data"),
        (6, "variable_begin"),
        (10, "name"),
        (12, "variable_end"),
    ]


def test_line_breaks_of_a_text_are_kept_as_they_are() -> None:
    assert value_of("a\r\n{{ x }}\r\n", x="b") == "a\r\nb\r\n"


def test_an_unknown_escape_stays_as_it_is_written() -> None:
    assert value_of(r"{{ '\d+\q' }}") == r"\d+\q"


@pytest.mark.parametrize(
    ("text", "offset", "code"),
    [
        ("ab {{ x", 3, "E210"),
        ("ab {% if x", 3, "E210"),
        ("ab {# x", 3, "E210"),
        ("{% raw %} x", 0, "E210"),
        ("{{ (a] }}", 5, "E210"),
        ("{{ a) }}", 4, "E210"),
        ("{{ `a` }}", 3, "E210"),
        ("{{ 'abc }}", 3, "E210"),
        ("{{ a & b }}", 5, "E210"),
        ("{{ a ? b }}", 5, "E210"),
        ("{{ ²x }}", 3, "E210"),
        (r"{{ 'a\ud800' }}", 5, "E210"),
        (r"{{ 'a\U00110000' }}", 5, "E210"),
        ("{{ " + "9" * 5000 + " }}", 3, "E213"),
        ("{{ 1e999 }}", 3, "E213"),
        ("{{ " + "(" * 41, 43, "E213"),
        ("{{ x }}" + " " * 70_000, 0, "E213"),
        ("{{ " + "- " * 2_001 + "1 }}", 4001, "E213"),
    ],
)
def test_a_token_error_points_at_its_character(text: str, offset: int, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        tokenize(text)
    assert (caught.value.problem_code, caught.value.offset) == (code, offset)
