"""`fusion eval` through the front door."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from front_door import PEOPLE, fusion, only_incomplete, write

from engine.cli.commands import eval as eval_command
from engine.cli.main import cli


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(
        "order.json",
        '{"order": {"total": 12.5, "name": "Zoë", "at": {"$date": "2026-03-01T10:00:00Z"}}}',
    )


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("order.total * 2",), "25.0"),
        (("{{ order.total }} EUR",), '"12.5 EUR"'),
        (("upper(order.name)",), '"ZOË"'),
        (("order.at",), '{"$date": "2026-03-01T10:00:00.000Z"}'),
        (('formatDate(order.at, "HH:mm")', "--timezone", "Europe/Rome"), '"11:00"'),
    ],
)
def test_the_value_is_written_as_json(words: tuple[str, ...], shown: str) -> None:
    result = fusion("eval", *words, "--bundle", "order.json")
    assert (result.exit_code, result.stdout.strip()) == (0, shown)


def test_an_expression_needs_no_bundle() -> None:
    assert fusion("eval", "1 + 1").stdout == "2\n"
    assert json.loads(fusion("eval", "1 + 1", "--json").stdout) == {"format_version": 1, "value": 2}


def test_a_mistake_is_shown_with_its_place() -> None:
    result = fusion("eval", "{{ ordr.total }}", "--bundle", "order.json")
    assert result.exit_code == 2
    assert "expression:1:4" in result.stderr
    assert "did you mean `order`?" in result.stderr


def test_a_failure_on_the_values_ends_with_1() -> None:
    result = fusion("eval", "order.name * 2", "--bundle", "order.json", "--json")
    assert result.exit_code == 1
    [problem] = json.loads(result.stdout)["problems"]
    assert problem["code"] == "E214"
    assert problem["place"]["column"] == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "give an expression, or --jsonl"),
        (("1", "--jsonl"), "--jsonl reads everything from standard input"),
        (("1", "--bundle", "a", "--incomplete", "b"), "not from both"),
        (("1", "--bundle", "none.json"), "none.json: no such file"),
        (("1", "--bundle", "bad.json"), "bad.json: this is not JSON"),
        (("1", "--timezone", "Mars/Olympus"), "no time zone `Mars/Olympus`"),
    ],
)
def test_unusable_arguments_end_with_2(words: tuple[str, ...], told: str) -> None:
    write("bad.json", "{")
    result = fusion("eval", *words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_each_line_has_its_answer_and_a_bad_one_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.mapping.evaluate.LINE_LIMIT", 200)
    lines = [
        b'{"expr": "{{ a }}", "bundle": {"a": "\\u009b"}}',
        b"",
        b"x" * 1000,
        b"\xff",
        b'{"expr": "b"}',
    ]
    result = CliRunner().invoke(cli, ["eval", "--jsonl"], input=b"\n".join(lines))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [next(iter(answer)) for answer in answers] == [
        "value",
        "error",
        "error",
        "error",
        "value",
    ]
    assert answers[0] == {"value": "\x9b"}
    assert "longer than 200 bytes" in answers[2]["error"]["message"]


def test_a_line_is_read_within_the_limit() -> None:
    from io import BytesIO

    stream = BytesIO(b"12345\n123456\n\n1234567890123\nlast")
    assert list(eval_command._lines(stream, 5)) == [b"12345", b"123456", b"", b"123456", b"last"]


def test_names_come_from_a_stored_incomplete_execution() -> None:
    assert fusion("run", write("people.yaml", PEOPLE)).exit_code == 3
    stored = only_incomplete()
    result = fusion(
        "eval", "person.name + ' ' + inputs.years + scenario.name", "--incomplete", stored
    )
    assert result.stdout == '"Bob 1Birthdays"\n'
    unknown = fusion("eval", "persn.name", "--incomplete", stored)
    assert "did you mean `person`?" in unknown.stderr
    assert fusion("eval", "1", "--incomplete", "ffffffff").exit_code == 5
