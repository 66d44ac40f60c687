"""The live table, drawn on a real terminal; single lines elsewhere."""

import io
import os
import pty
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli.live import LiveTable
from engine.cli.output import Output
from engine.cli.progress import TOLD_FAILURES, Lines, watching
from engine.errors import Place
from engine.model.execution import NodeCount
from engine.model.scenario import Settings
from engine.plan.plan import Node, NodeKind, Plan

STORE = Path("store")


def _node(node_id: str, path: str) -> Node:
    return Node(node_id, f"demo.{node_id}", NodeKind.MODULE, Place("a.yaml", 1, 1), path)


def _plan(*nodes: Node) -> Plan:
    return Plan(
        id="demo",
        name="Demo \x1b[2Jscenario",
        path=Path("demo.yaml"),
        source="",
        settings=Settings(),
        flow=nodes,
        nodes={node.id: node for node in nodes},
        positions={},
    )


NODES = (
    _node("video", "flow.0"),
    _node("convert", "flow.1"),
    _node("left", "flow.2.routes.0.flow.0"),
    replace(_node("rescue", "flow.1.on_error.0"), on_error_route=True),
    replace(_node("off", "flow.3"), disabled=True),
)


class Screen:
    """Collects what a terminal is sent."""

    def __init__(self) -> None:
        self._reader, self._writer = pty.openpty()
        self._received = bytearray()
        self.stream = os.fdopen(self._writer, "w", encoding="utf-8")
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def text(self) -> str:
        """Close the terminal and return all that it was sent."""
        self.stream.close()
        self._thread.join()
        os.close(self._reader)
        return self._received.decode()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._reader, 65536)
            except OSError:  # Linux says so when the last writer has gone
                return
            if not data:
                return
            self._received += data


@contextmanager
def _drawing(environment: dict[str, str]) -> Iterator[tuple[LiveTable, Callable[[], str]]]:
    screen = Screen()
    table = LiveTable(Output(screen.stream, screen.stream, environment))
    yield table, screen.text


def _run(table: LiveTable) -> None:
    counts = {node.id: NodeCount() for node in NODES}
    table.planned(_plan(*NODES), STORE, counts)
    table.node_started("video")
    table.node_finished("video", bundles=3, seconds=0.1)
    counts["video"].operations, counts["video"].bundles = 1, 3
    table.node_started("convert")
    table.node_progress("convert", 43, 100, "encoding \x1b[31m")


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_the_table_shows_state_counts_and_percent_of_each_node() -> None:
    with _drawing({"TERM": "xterm"}) as (table, drawn):
        _run(table)
        table.close()
        text = drawn()
    last = text[text.rindex("Demo") :]
    assert "43%  0 s  encoding" in last
    assert "working" in last
    assert "idle" in last
    assert "waiting" in last
    assert "  left" in last


def test_a_node_that_backs_off_counts_down() -> None:
    with _drawing({}) as (table, screen):
        _run(table)
        table.node_failed("convert", "RateLimitError: slower", outcome="tried again in 90 s")
        table.node_waits("convert", 90, "attempt 1 of 3")
        table.close()
        shown = screen()
    assert "backing off" in shown
    assert re.search(r"again in (90|89|88) s, attempt 1 of 3", shown)


def _emitting(done: int | None, total: int | None, width: str = "100") -> str:
    """Return the last table of a run whose first node emits; blocks and spaces made single."""
    with pytest.MonkeyPatch.context() as patch, _drawing({}) as (table, screen):
        patch.setenv("COLUMNS", width)
        table.planned(_plan(*NODES), STORE, {node.id: NodeCount() for node in NODES})
        table.node_emits("video", 0, total)
        table.node_emits("video", done, total)
        table.close()
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen())


def test_a_node_whose_bundles_are_counted_shows_how_many_went_through() -> None:
    assert re.search(r"video +emitting .* █{9}░{9} 20/40", _emitting(20, 40))
    assert re.search(r"video +working .* ░{18} 0/40", _emitting(0, 40))
    assert re.search(r"video +emitting +0 +0 +0 +█{3}░{3} 20/40", _emitting(20, 40, "60"))


def test_one_bundle_an_unknown_number_and_an_emission_that_is_over_have_no_bar() -> None:
    for done, total in ((0, 1), (3, None), (None, 40)):
        assert "/" not in _emitting(done, total)[-400:].rpartition("video")[2]


def test_a_search_that_tells_what_it_found_has_a_bar() -> None:
    with _drawing({}) as (table, screen):
        table.planned(_plan(*NODES), STORE, {node.id: NodeCount() for node in NODES})
        table.node_emits("video", 0, None)
        table.node_progress("video", 100, 100, "")
        table.node_progress("video", 7, 7, "")
        table.node_emits("video", 2, None)
        table.close()
        assert "2/7" in screen()


def test_error_routes_show_once_they_run_and_disabled_nodes_never() -> None:
    with _drawing({"TERM": "xterm"}) as (table, drawn):
        _run(table)
        table.close()
        text = drawn()
    assert "rescue" not in text
    assert "off" not in text
    with _drawing({"TERM": "xterm"}) as (table, drawn):
        _run(table)
        table.node_started("rescue")
        table.close()
        assert "rescue" in drawn()


def test_data_cannot_act_on_the_terminal() -> None:
    with _drawing({"TERM": "xterm"}) as (table, drawn):
        _run(table)
        table.note("note \x1b]0;title\x07")
        table.node_failed("convert", "bad \x1b[2J file", outcome="stored")
        table.close()
        text = drawn()
    for forbidden in ("\x1b[2J", "\x1b]0;", "\x07"):
        assert forbidden not in text
    assert "Demo \\x1b[2Jscenario" in text
    assert "bad \\x1b[2J file (stored)" in text


def test_the_table_goes_away_and_the_cursor_comes_back() -> None:
    with _drawing({"TERM": "xterm"}) as (table, drawn):
        _run(table)
        table.close()
        table.close()
        text = drawn()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert text.rindex("\x1b[2K") > text.rindex("convert")


def test_no_color_draws_without_colours() -> None:
    with _drawing({"TERM": "xterm", "NO_COLOR": "1"}) as (table, drawn):
        _run(table)
        table.close()
        text = drawn()
    assert "\x1b[36m" not in text
    assert "\x1b[31m" not in text


def test_nodes_that_the_plan_does_not_know_do_no_harm() -> None:
    with _drawing({"TERM": "xterm"}) as (table, drawn):
        table.node_started("ghost")
        table.node_progress("ghost", 1, 2, "")
        table.node_finished("ghost", bundles=1, seconds=0.0)
        table.node_failed("ghost", "boo", outcome="")
        table.close()
        assert "ghost failed: boo" in drawn().replace("\x1b[1;31m", "").replace("\x1b[0m", "")


def test_a_file_gets_single_lines_and_no_progress() -> None:
    err = io.StringIO()
    with watching(Output(io.StringIO(), err, {"TERM": "xterm"})) as watcher:
        watcher.planned(_plan(*NODES), STORE, {})
        watcher.node_started("convert")
        watcher.node_progress("convert", 1, 2, "half")
        watcher.node_failed("convert", "DataError: bad", outcome="stored")
        watcher.saved("convert", Path("a.mp4"))
        watcher.note("the embedded server is used")
    assert err.getvalue() == (
        "convert failed: DataError: bad (stored)\nthe embedded server is used\n"
    )


def test_a_node_that_fails_without_end_is_told_a_few_times() -> None:
    err = io.StringIO()
    lines = Lines(Output(io.StringIO(), err, {}))
    for _ in range(1000):
        lines.node_failed("convert", "DataError: bad", outcome="ignored")
    told = err.getvalue().splitlines()
    assert len(told) == TOLD_FAILURES + 1
    assert "counted only" in told[-1]
