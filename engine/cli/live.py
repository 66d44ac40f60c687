"""The live table of a run: per node its state, its counts, and how far its operation is.

It hears of operations that take time, and is drawn from these and the run's counts a few times a
second, by rich's own thread. Made by `engine.cli.progress` on a terminal; the only place for rich.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from engine.cli.output import Output
from engine.cli.progress import Lines
from engine.model.execution import NodeCount
from engine.plan.plan import Node, Plan

FRAMES_PER_SECOND = 5
BAR_WIDTH = 18
NARROW = 80
"""Columns of a terminal below which bars and headers are short."""


@dataclass(slots=True)
class Row:
    """What is shown of one node; `total` None while the length of the operation is unknown."""

    title: str
    on_error_route: bool
    count: NodeCount
    running: int = 0
    done: float = 0.0
    total: float | None = None
    text: str = ""
    began: float = 0.0
    """When the last operation began, on the monotonic clock."""
    again_at: float = 0.0
    """When it is tried again, on the same clock; past while nothing waits."""
    reason: str = ""
    emitted: int | None = None
    """Bundles of its operation that have gone through; None while it emits nothing."""
    expected: int | None = None
    """How many there will be; None while nobody knows."""

    @property
    def touched(self) -> bool:
        count = self.count
        busy = self.running or self.emitted is not None
        return bool(busy or count.operations or count.bundles or count.failed)

    @property
    def state(self) -> str:
        if self.running:
            return "working"
        if self.seconds_left:
            return "backing off"
        if self.emitted is not None:
            return "emitting" if self.emitted or self.count.bundles else "working"
        return "idle" if self.touched else "waiting"

    @property
    def seconds_left(self) -> float:
        """How long until it is tried again; 0 while nothing waits."""
        return max(0.0, self.again_at - monotonic())

    @property
    def fraction(self) -> float | None:
        """How much of the running operation is done, 0 to 1; None if nothing runs or knows.

        Of one that emits as it goes, it is how many of its bundles have gone through.
        """
        if self.running:
            done, total = self.done, self.total
        else:
            done, total = self.emitted or 0, self.expected
            total = total if total != 1 else None
        return min(1.0, max(0.0, done / total)) if total else None


class LiveTable(Lines):
    """Draws the nodes; what is told in lines scrolls by above the table."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._rows: dict[str, Row] = {}
        self._name = ""
        self._live: Live | None = None

    def planned(self, plan: Plan, store_folder: Path, counts: Mapping[str, NodeCount]) -> None:
        self._name = self._output.clean(plan.name or plan.id)
        self._rows = {
            node.id: self._row(node, counts[node.id])
            for node in plan.nodes.values()
            if not node.disabled
        }
        if self._live is None:
            self._live = self._started()

    def node_started(self, node_id: str) -> None:
        row = self._rows.get(node_id)
        if row is not None:
            row.running += 1
            row.done, row.total, row.text = 0.0, None, ""
            row.began = monotonic()

    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None:
        row = self._rows.get(node_id)
        if row is not None:
            row.done, row.total, row.text = done, total, text
            if row.emitted is not None and total is not None:
                row.expected = int(total)  # what a search has found, or may find at most

    def node_emits(self, node_id: str, done: int | None, total: int | None) -> None:
        row = self._rows.get(node_id)
        if row is not None:
            row.emitted, row.expected = done, total if total is not None else row.expected
            if done is None:
                row.expected = None

    def node_waits(self, node_id: str, seconds: float, reason: str) -> None:
        row = self._rows.get(node_id)
        if row is not None:
            row.again_at, row.reason = monotonic() + seconds, reason

    def node_finished(self, node_id: str, *, bundles: int, seconds: float) -> None:
        row = self._rows.get(node_id)
        if row is not None:
            row.running = max(0, row.running - 1)

    def node_failed(self, node_id: str, failure: str, *, outcome: str) -> None:
        row = self._rows.get(node_id)
        if row is not None:
            row.running = max(0, row.running - 1)
        super().node_failed(node_id, failure, outcome=outcome)

    def note(self, text: str) -> None:
        if self._live is None:
            super().note(text)
        else:
            self._live.console.print(Text(self._output.clean(text)))

    def close(self) -> None:
        """Take the table away; the summary follows."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _failure(self, head: str, rest: str) -> None:
        if self._live is None:
            super()._failure(head, rest)
        else:
            clean = self._output.clean
            self._live.console.print(Text.assemble((clean(head), "bold red"), clean(rest)))

    def _row(self, node: Node, count: NodeCount) -> Row:
        indent = "  " * node.path.count("routes")
        return Row(indent + self._output.clean(node.title), node.on_error_route, count)

    def _started(self) -> Live:
        live = Live(
            console=Console(file=self._output.err, no_color=not self._output.colour),
            get_renderable=self._drawn,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        live.start(refresh=True)
        return live

    def _drawn(self) -> Table:
        table = Table(
            title=Text(self._name, style="bold"),
            title_justify="left",
            box=None,
            pad_edge=False,
            header_style="dim",
        )
        table.add_column("node", no_wrap=True, overflow="ellipsis")
        table.add_column("state", no_wrap=True, min_width=len("backing off"))
        for header in ("operations" if self._is_wide else "ops", "bundles", "failed"):
            table.add_column(header, justify="right", no_wrap=True, min_width=len(header))
        table.add_column("", no_wrap=True, overflow="ellipsis")
        for row in self._rows.values():
            if row.touched or not row.on_error_route:
                table.add_row(*self._cells(row))
        return table

    def _cells(self, row: Row) -> Iterator[Text]:
        yield Text(row.title)
        yield Text(row.state, style="cyan" if row.running else "dim")
        yield Text(str(row.count.operations))
        yield Text(str(row.count.bundles))
        yield Text(str(row.count.failed), style="red" if row.count.failed else "")
        yield self._bar(row)

    @property
    def _is_wide(self) -> bool:
        return self._live is None or self._live.console.width >= NARROW

    def _bar(self, row: Row) -> Text:
        left = row.seconds_left
        if left and not row.running:
            return Text(f"again in {math.ceil(left)} s, {row.reason}")
        fraction = row.fraction
        if row.running:
            text = f"{monotonic() - row.began:.0f} s  {self._output.clean(row.text)}"
            if fraction is not None:
                text = f"{fraction:4.0%}  {text}"
        else:
            text = f"{row.emitted or 0}/{row.expected}" if fraction is not None else ""
        if fraction is None:
            return Text(text)
        width = BAR_WIDTH if self._is_wide else BAR_WIDTH // 3
        filled = round(fraction * width)
        return Text.assemble(("█" * filled, "cyan"), ("░" * (width - filled), "dim"), f" {text}")
