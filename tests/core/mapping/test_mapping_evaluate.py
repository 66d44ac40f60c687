"""Expressions outside of a scenario: lines of JSON in, lines of JSON out."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mapping_cases import world

from engine.errors import ExpressionError
from engine.mapping.evaluate import LINE_LIMIT, answer, bundle_of_json, evaluate
from engine.mapping.exchange import write_json
from engine.mapping.refusal import Refused
from engine.model.bundle import File


def answered(line: str | bytes) -> Any:
    return json.loads(answer(line.encode() if isinstance(line, str) else line, world))


def asked(expr: Any, bundle: Any = None, **more: Any) -> Any:
    return answered(json.dumps({"expr": expr, "bundle": bundle or {}, **more}))


@pytest.mark.parametrize(
    ("expr", "bundle", "value"),
    [
        ("{{ a + 1 }}", {"a": 1}, 2),
        ("{{ a }}", {"a": "12"}, "12"),
        ("{{ a }}", {"a": None}, None),
        ("{{ a.b[1] }}", {"a": {"b": [1, 2]}}, 2),
        ("{{ a.missing }}", {"a": {}}, None),
        ("no expression", {}, "no expression"),
        ("a{{ a }}b", {"a": 5}, "a5b"),
        ("{% for x in a %}{{ x }};{% endfor %}", {"a": [1, 2]}, "1;2;"),
        ("{{ a }}", {"a": {"$date": "2026-03-05T15:00+01:00"}},
         {"$date": "2026-03-05T14:00:00.000Z"}),
        ("{{ length(a) }}", {"a": {"$buffer_hex": "00ff10"}}, 3),
        ("{{ a }}", {"a": {"$buffer_hex": "00FF"}}, {"$buffer_hex": "00ff"}),
        ("{{ [a] }}", {"a": {"$date": "2026-03-05"}}, [{"$date": "2026-03-05T00:00:00.000Z"}]),
        ("{{ a }}", {"a": "\ud800 \x7f é"}, "\ud800 \x7f é"),
        ("{{ 2 ** 200 }}", {}, 2**200),
    ],
)  # fmt: skip
def test_a_line_is_answered_with_the_value(expr: str, bundle: Any, value: Any) -> None:
    assert asked(expr, bundle) == {"value": value}


def test_dates_are_written_in_the_time_zone_of_the_line() -> None:
    expr = '{{ formatDate(a, "HH:mm") }}'
    bundle = {"a": {"$date": "2026-03-05T14:00:00Z"}}
    assert asked(expr, bundle) == {"value": "14:00"}
    assert asked(expr, bundle, timezone="Europe/Rome") == {"value": "15:00"}


@pytest.mark.parametrize(
    ("expr", "bundle", "kind", "line", "column"),
    [
        ("{{ a +* 1 }}", {"a": 1}, "ExpressionError", 1, 7),
        ("{{ uper(a) }}", {"a": 1}, "ExpressionError", 1, 4),
        ("text\n  {{ b }}", {"a": 1}, "ExpressionError", 2, 6),
        ("{{ 1 +\n a.b.c * 2 }}", {"a": {"b": 3}}, "DataError", 2, 6),
        ("{{ upper(a) }}", {"a": {}}, "DataError", 1, 10),
        ("{{ upper({}) }}", {}, "DataError", 1, 10),
        ("{{ 1 + round('x') }}", {}, "DataError", 1, 14),
    ],
)
def test_an_error_has_a_type_and_a_place(
    expr: str, bundle: Any, kind: str, line: int, column: int
) -> None:
    error = asked(expr, bundle)["error"]
    assert list(error) == ["type", "message", "line", "column"]
    assert (error["type"], error["line"], error["column"]) == (kind, line, column)


def test_an_unknown_name_is_told_with_the_names_there_are() -> None:
    error = asked("{{ vidio.file }}", {"video": {}, "order": {}})["error"]
    assert "`vidio`" in error["message"]
    assert "did you mean `video`" in error["message"]
    assert "video, order" in error["message"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "nope",
        "{",
        "[1, 2]",
        "5",
        '"{{ 1 }}"',
        "null",
        "{}",
        '{"expr": 5}',
        '{"expr": null}',
        '{"expr": "x", "bundle": []}',
        '{"expr": "x", "bundle": null}',
        '{"expr": "x", "bundle": "a"}',
        '{"expr": "x", "timezone": 5}',
        '{"expr": "x", "timezone": "Mars/Olympus"}',
        '{"expr": "x", "timezone": "../../etc/passwd"}',
        '{"expr": "x", "timezone": "UTC\\u0000"}',
        '{"expr": "x", "bundle": {"a": NaN}}',
        '{"expr": "x", "bundle": {"a": {"$date": "soon"}}}',
        '{"expr": "x", "bundle": {"a": {"$date": 5}}}',
        '{"expr": "x", "bundle": {"a": {"$buffer_hex": "0"}}}',
        '{"expr": "x", "bundle": {"a": {"$buffer_hex": {}}}}',
        '{"expr": "x", "bundle": {"a": ' + "9" * 5000 + "}}",
        '{"expr": "x", "bundle": {"a": ' + "[" * 90 + "]" * 90 + "}}",
        "[" * 100_000,
        b"\xff\xfe{",
        b'{"expr": "\x80"}',
    ],
)
def test_a_bad_line_is_answered_with_an_error(line: str | bytes) -> None:
    error = answered(line)["error"]
    assert error["type"] == "UsageError"
    assert error["line"] is None
    assert 0 < len(error["message"]) <= 500


def test_a_line_of_any_length_is_answered() -> None:
    assert answered("x" * 5_000_000)["error"]["type"] == "UsageError"
    assert answered(b"x" * (LINE_LIMIT + 1))["error"]["message"].startswith("the line is longer")
    assert len(asked("{{ a }}", {"a": "x" * 5_000_000})["value"]) == 5_000_000


def test_a_value_may_be_passed_on_whole_but_not_many_times() -> None:
    many = "{{ [" + ", ".join(["a"] * 900) + "] }}"
    error = asked(many, {"a": "x" * 1_000_000})["error"]
    assert (error["type"], error["message"]) == (
        "DataError",
        "the value is too large to be written",
    )


def test_the_limits_are_those_of_a_run() -> None:
    assert asked("{{ 10 ** (10 ** 9) }}")["error"]["type"] == "DataError"
    assert asked("{{ " + "(" * 20_000 + " }}")["error"]["type"] == "ExpressionError"
    assert asked("{{ ''.__class__ }}")["error"]["type"] == "ExpressionError"


def test_no_name_of_a_bundle_reaches_the_world_or_hides_the_language() -> None:
    assert asked("{{ formatDate(now, 'YYYY') }}", {"": 5, "now": 1}) == {"value": "2026"}


def test_a_file_is_told_by_its_facts(tmp_path: Path) -> None:
    file = File("a.txt", 3, "text/plain", "00", tmp_path)
    assert json.loads(write_json([file])) == [
        {"$file": {"name": "a.txt", "size": 3, "type": "text/plain", "sha256": "00"}}
    ]


def test_a_number_that_json_lacks_is_refused() -> None:
    for number in (float("inf"), float("nan"), 10**5000):
        with pytest.raises(Refused):
            write_json({"a": number})


def test_a_bundle_file_holds_names() -> None:
    assert bundle_of_json(b'\xef\xbb\xbf{"a": {"$date": "2026-03-05T00:00:00Z"}}') == {
        "a": datetime(2026, 3, 5, tzinfo=UTC)
    }
    with pytest.raises(Refused, match="should be an object"):
        bundle_of_json(b"[]")


def test_names_are_checked_even_where_they_are_not_read() -> None:
    with pytest.raises(ExpressionError, match="nothing is called `x`"):
        evaluate("{{ if(true, 1, x) }}", {"": world()})
