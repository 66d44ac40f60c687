"""The one writer: streams, colours, encodings, readers that go away."""

import io
import json
import os
import pty
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

import pytest

from engine.cli.output import Output, Span, Tone

STRONG = (Span("title", Tone.STRONG), Span(" rest"))


@contextmanager
def _terminal() -> Iterator[tuple[TextIO, int]]:
    """Give a real terminal's writing end as text, and the descriptor that reads from it."""
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield stream, reader
    os.close(reader)


def _written(environment: Mapping[str, str]) -> str:
    with _terminal() as (stream, reader):
        output = Output(stream, stream, environment)
        output.result(STRONG)
        output.flush()
        return os.read(reader, 1000).decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours() -> None:
    assert _written({}) == "\x1b[1mtitle\x1b[0m rest\n"


def test_no_color_is_honoured_when_it_is_not_empty() -> None:
    assert _written({"NO_COLOR": "1"}) == "title rest\n"
    assert "\x1b" in _written({"NO_COLOR": ""})


def test_a_file_gets_no_colours() -> None:
    out = io.StringIO()
    Output(out, out, {}).result(STRONG)
    assert out.getvalue() == "title rest\n"


def test_results_and_all_else_go_to_streams_of_their_own() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(out, err, {})
    output.result("result")
    output.tell("note")
    assert (out.getvalue(), err.getvalue()) == ("result\n", "note\n")


def test_one_call_writes_one_line_whatever_the_data_holds() -> None:
    out = io.StringIO()
    Output(out, out, {}).result("a\nb\x1b[2J")
    assert out.getvalue() == "a\\nb\\x1b[2J\n"


def test_a_stream_that_cannot_write_a_character_gets_its_escape() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    output = Output(stream, stream, {})
    output.result("größe 日 \udcff")
    output.flush()
    assert raw.getvalue() == b"gr\\xf6\\xdfe \\u65e5 \\udcff\n"


def test_json_is_ascii_and_says_its_version() -> None:
    out = io.StringIO()
    Output(out, out, {}).document({"text": "日\x1b\u202e"})
    assert out.getvalue().isascii()
    assert json.loads(out.getvalue()) == {"format_version": 1, "text": "日\x1b\u202e"}


def test_a_reader_that_goes_away_is_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        output = Output(stream, sys.stderr, {})
        output.result("x" * 100_000)
        output.result("more")
        output.flush()


def test_width_is_known_on_a_terminal_only() -> None:
    with _terminal() as (stream, _):
        assert Output(stream, stream, {"COLUMNS": "132"}).width == 132
        assert Output(stream, stream, {}).width == 80
    assert Output(io.StringIO(), io.StringIO(), {"COLUMNS": "132"}).width is None


@pytest.mark.parametrize(
    ("environment", "live"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({}, False)]
)
def test_progress_is_drawn_where_the_cursor_can_move(
    environment: Mapping[str, str], *, live: bool
) -> None:
    with _terminal() as (stream, _):
        assert Output(stream, stream, environment).live is live


def test_progress_is_not_drawn_into_a_file() -> None:
    assert not Output(io.StringIO(), io.StringIO(), {"TERM": "xterm"}).live
