"""README's list of where the mapping language is not Jinja: each line of it has its cases here."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment
from mapping_cases import value_of

from engine.errors import ExpressionError, MappingError

README = Path(__file__).parents[3] / "README.md"
SECTION = re.compile(r"^## Mapping, where it is not Jinja\n(.*?)^## ", re.MULTILINE | re.DOTALL)
JINJA = SandboxedEnvironment()

X: dict[str, Any] = {
    "n": 3,
    "t": "abc",
    "null": None,
    "items": ["data"],
    "list": [1, 2.0, True],
    "m": {"a": 1},
    "date": datetime(2026, 3, 5, tzinfo=UTC),
    "rows": [{"k": 2}, {"k": "b"}, {"k": None}],
}


class Wrong:
    """Stands for an error."""

    def __repr__(self) -> str:
        return "an error"


ERROR = Wrong()

CASES: list[tuple[str, str, Any, Any]] = [
    ("Names are data", "{{ x.items }}", ["data"], "<built-in"),
    ("Names are data", "{{ x.m.keys }}", None, "<built-in"),
    ("Names are data", "{{ x.t.upper() }}", ERROR, "ABC"),
    ("Names are data", "{{ x.m.items() | list }}", ERROR, "[('a', 1)]"),
    ("Types stay", "{{ x.n }}", 3, "3"),
    ("Types stay", "{{ x.rows }}", X["rows"], "[{"),
    ("Types stay", "{{ range(2) }}", [0, 1], "range(0, 2)"),
    ("Null", "{{ x.gone.deeper }}", None, ERROR),
    ("Null", "<{{ x.null }}>", "<>", "<None>"),
    ("Null", "{{ x.null is defined }}", False, "True"),
    ("Null", "{{ x.null | default(5) }}", 5, "None"),
    ("Null", "{{ x.null < 3 }}", False, ERROR),
    ("Null", "{{ x.gone + 1 }}", ERROR, ERROR),
    ("Values in a text", "{{ true }}!", "true!", "True!"),
    ("Values in a text", "{{ 6 / 2 }}!", "3!", "3.0!"),
    ("Values in a text", "{{ x.list }}!", "1, 2, true!", "[1, 2.0, True]!"),
    (
        "Values in a text",
        "{{ x.date }}!",
        "2026-03-05T00:00:00.000Z!",
        "2026-03-05 00:00:00+00:00!",
    ),
    ("Values in a text", "{{ x.m }}!", ERROR, "{'a': 1}!"),
    ("Signs", "{{ 'a' + 1 }}", "a1", ERROR),
    ("Signs", "{{ '3' * 2 }}", 6, "33"),
    ("Signs", "{{ '5' - 2 }}", 3, ERROR),
    ("Signs", "{{ x.list * 2 }}", ERROR, "[1, 2.0, True, 1, 2.0, True]"),
    ("Signs", "{{ '%s' % 1 }}", ERROR, "1"),
    ("Signs", "{{ true == 1 }}", False, "True"),
    ("Signs", "{{ true + 1 }}", ERROR, "2"),
    ("Calls", "{{ round(2.5) }}", 3, ERROR),
    ("Calls", "{{ x.n | formatNumber(2, '.') }}", "3.00", ERROR),
    ("Calls", "{{ if(x.n > 2, 'a', 'b') }}", "a", ERROR),
    ("Calls", "{{ dict(a=1) }}", ERROR, "{'a': 1}"),
    ("Calls", "{{ 2.5 | round }}", 2.0, "2.0"),
    ("Arrays", "{{ x.rows | map(attribute='k') }}", [2, "b", None], "<generator"),
    ("Arrays", "{{ x.rows | map(attribute='k') | sort }}", [2, "b", None], ERROR),
    ("Arrays", "{{ x.m | dictsort }}", [["a", 1]], "[('a', 1)]"),
    ("Arrays", "{{ (1, 2) }}", [1, 2], "(1, 2)"),
    ("Arrays", "{{ {1: 2} }}", ERROR, "{1: 2}"),
    ("What is not there", "{{ '%d' | format(1) }}", ERROR, "1"),
    ("What is not there", "{{ x.t | attr('upper') }}", ERROR, "<built-in"),
    ("What is not there", "{% macro a() %}b{% endmacro %}{{ a() }}", ERROR, "b"),
    ("What is not there", "{% with a = 1 %}{{ a }}{% endwith %}", ERROR, "1"),
    ("What is not there", "{% for i in [1] %}{{ loop.cycle('a', 'b') }}{% endfor %}", ERROR, "a"),
    ("What is not there", "{{ lipsum is defined }}", ERROR, "True"),
    ("Text stays as it is", "{{ x.n }}!\n", "3!\n", "3!"),
    ("Text stays as it is", "a\r\n{{ x.n }}!", "a\r\n3!", "a\n3!"),
    ("Text stays as it is", "{{ ['<é>'] | tojson }}", '["<é>"]', '["\\u003c\\u00e9\\u003e"]'),
    ("Work has limits", "{{ 'a' | center(9999999) | length }}", ERROR, "9999999"),
    ("Work has limits", "{{ 2 ** 5000 % 2 }}", ERROR, "0"),
]


def ours(text: str) -> Any:
    try:
        return value_of(text, x=X)
    except (ExpressionError, MappingError):
        return ERROR


def theirs(text: str) -> Any:
    try:
        return JINJA.from_string(text).render(x=X)
    except (TemplateError, TypeError):
        return ERROR


@pytest.mark.parametrize(("line", "text", "value", "rendered"), CASES)
def test_each_difference_is_one(line: str, text: str, value: Any, rendered: Any) -> None:
    assert line in LISTED
    found, expected = ours(text), theirs(text)
    assert (type(found), found) == (type(value), value)
    assert expected is rendered or expected.startswith(rendered)


def listed() -> list[str]:
    section = SECTION.search(README.read_text(encoding="utf-8"))
    assert section is not None
    return re.findall(r"^- \*\*(.+?)\.\*\*", section[1], re.MULTILINE)


LISTED = listed()


def test_every_line_of_the_list_has_cases() -> None:
    assert list(dict.fromkeys(line for line, *_ in CASES)) == LISTED
