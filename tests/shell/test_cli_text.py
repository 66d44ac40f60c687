"""Widths, escapes, tables and units of the command line."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.cli.output import Line
from engine.cli.tables import Column, table
from engine.cli.text import cells, cut, escape, pad, wrap
from engine.cli.units import age, duration, size, until

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _text(line: Line) -> str:
    return line if isinstance(line, str) else "".join(span.text for span in line)


def test_of_several_columns_that_give_way_the_widest_does_so_first() -> None:
    columns = (Column("node", gives_way=True), Column("module", gives_way=True), Column("time"))
    both = table(columns, [("n" * 60, "m" * 30, "5 s")], 50)
    assert _text(both[1]) == f"{'n' * 20}…  {'m' * 20}…  5 s"
    one = table(columns, [("n" * 60, "short", "5 s")], 50)
    assert _text(one[1]) == f"{'n' * 35}…  short   5 s"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Größe 日本 👍", "Größe 日本 👍"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2028\u2066", "\\u2028\\u2066"),
        ("\U000e0041", "\\U000e0041"),
        ("name\udcff", "name\\udcff"),
        ("1\u00a0000 \u200d", "1\u00a0000 \u200d"),
    ],
)
def test_what_acts_on_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_escaping_twice_changes_nothing() -> None:
    assert escape(escape("\x1b\n\u202e")) == escape("\x1b\n\u202e")


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("한글", 4), ("👍", 2), ("", 0)]
)
def test_cells_of_a_terminal_are_counted_not_characters(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdef", 4, "abc…"), ("日本語", 4, "日…"), ("ab", 0, "")],
)
def test_a_text_is_cut_to_cells(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown
    assert cells(shown) <= max(width, 0)


def test_padding_counts_cells() -> None:
    assert pad("日", 4) == "日  "
    assert pad("7", 3, right=True) == "  7"


def test_wrapping_keeps_long_words_whole() -> None:
    path = "/a/very/long/path/that/is/copied"
    assert wrap(f"see {path} there", 12) == ["see", path, "there"]
    assert wrap("one two three", None) == ["one two three"]


COLUMNS = (Column("id"), Column("message", gives_way=True), Column("count", number=True))


def test_a_table_aligns_words_left_and_numbers_right() -> None:
    lines = [_text(line) for line in table(COLUMNS, [("a", "日本", "5"), ("bb", "x", "120")], None)]
    assert lines == [
        "id  message  count",
        "a   日本         5",
        "bb  x          120",
    ]


def test_a_table_gives_way_in_one_column_on_a_narrow_terminal() -> None:
    lines = [_text(line) for line in table(COLUMNS, [("a", "m" * 90, "5")], 40)]
    assert all(cells(line) <= 40 for line in lines)
    assert "mmm…" in lines[1]
    assert lines[1].endswith("5")


def test_a_table_for_another_program_is_never_cut() -> None:
    assert "m" * 900 in _text(table(COLUMNS, [("a", "m" * 900, "5")], None)[1])


def test_a_table_keeps_its_rows_in_one_line_each() -> None:
    lines = table(COLUMNS, [("a", "two\nlines\x1b[0m", "5")], None)
    assert "two\\nlines\\x1b[0m" in _text(lines[1])


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.00 s"),
        (0.42, "0.42 s"),
        (3.21, "3.2 s"),
        (59.97, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3725, "1 h 02 min"),
    ],
)
def test_durations_have_the_unit_that_suits_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "just now"),
        (3, "just now"),
        (42, "42 s ago"),
        (200, "3 min ago"),
        (3600 * 5, "5 h ago"),
        (86400 * 12, "12 days ago"),
    ],
)
def test_ages_are_rounded_down(seconds: int, shown: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "now"), (40, "in 40 s"), (600, "in 10 min"), (7200, "in 2 h"), (86400 * 3, "in 3 days")],
)
def test_what_is_due_says_when(seconds: int, shown: str) -> None:
    assert until(NOW + timedelta(seconds=seconds), NOW) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(812, "812 B"), (2_400, "2.4 kB"), (999_960, "1.0 MB"), (1_300_000_000, "1.3 GB")],
)
def test_sizes_are_in_steps_of_a_thousand(count: int, shown: str) -> None:
    assert size(count) == shown


def test_huge_sizes_are_terabytes() -> None:
    assert size(5_000_000_000_000) == "5.0 TB"
