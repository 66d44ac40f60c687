"""Shows a run while it works: a live table on a terminal, single lines elsewhere, all on stderr.

Both are `Watcher`s (`engine.run.ports`). The live table is in `engine.cli.live`, which imports rich
and is therefore imported only where it is drawn.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.output import Output, Span, Tone

if TYPE_CHECKING:
    from engine.model.execution import NodeCount
    from engine.plan.plan import Plan

TOLD_FAILURES = 20
"""Failures of one node that are told one by one; the summary and the store hold them all."""


class Lines:
    """Tells what a person must know in single lines, without progress."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._failures: Counter[str] = Counter()

    def planned(
        self, plan: "Plan", store_folder: Path, counts: "Mapping[str, NodeCount]"
    ) -> None: ...
    def node_started(self, node_id: str) -> None: ...
    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None: ...
    def node_emits(self, node_id: str, done: int | None, total: int | None) -> None: ...
    def node_waits(self, node_id: str, seconds: float, reason: str) -> None: ...
    def node_finished(self, node_id: str, *, bundles: int, seconds: float) -> None: ...

    def node_failed(self, node_id: str, failure: str, *, outcome: str) -> None:
        self._failures[node_id] += 1
        if self._failures[node_id] <= TOLD_FAILURES:
            ending = f" ({outcome})" if outcome else ""
            self._failure(f"{node_id} failed", f": {failure}{ending}")
        elif self._failures[node_id] == TOLD_FAILURES + 1:
            self.note(f"{node_id} fails more often; further failures are counted only")

    def saved(self, node_id: str, path: Path) -> None: ...

    def note(self, text: str) -> None:
        self._output.tell(text)

    def _failure(self, head: str, rest: str) -> None:
        self._output.tell((Span(head, Tone.BAD), Span(rest)))


@contextmanager
def watching(output: Output) -> Iterator[Lines]:
    """Give the watcher that suits where stderr goes."""
    if not output.live:
        yield Lines(output)
        return
    from engine.cli.live import LiveTable

    live = LiveTable(output)
    try:
        yield live
    finally:
        live.close()
