"""What `fusion serve` does, as lines for a person on stderr or as JSON lines on stdout."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from engine.app import clock
from engine.cli.output import FORMAT_VERSION, Output, Span, Tone
from engine.cli.records import execution_json, incomplete_json
from engine.cli.summary import headline, saved_lines, status_word
from engine.cli.units import short
from engine.model.execution import Execution, Incomplete
from engine.plan.plan import Plan

TONES: Final[Mapping[str, Tone]] = {
    "ready": Tone.GOOD,
    "failure": Tone.BAD,
    "trouble": Tone.BAD,
    "deactivated": Tone.BAD,
    "refused": Tone.WARNING,
    "postponed": Tone.WARNING,
    "rests": Tone.WARNING,
    "hook_left": Tone.WARNING,
}


class ServeLog:
    """`engine.hooking.Log` for a terminal or a file."""

    def __init__(self, output: Output, names: Sequence[str] = ()) -> None:
        self._output = output
        self._width = max(map(len, names), default=0)

    def line(self, kind: str, text: str, *, scenario: str = "", **facts: Any) -> None:
        now = clock().now()
        if self._output.as_json:
            self._write({"kind": kind, "scenario": scenario or None, "text": text, **facts}, now)
            return
        head = f"{now.astimezone():%H:%M:%S}  "
        who = f"{scenario}  " if scenario else ""
        tone = TONES.get(kind, Tone.PLAIN)
        self._output.tell((Span(head, Tone.FAINT), Span(who, Tone.STRONG), Span(text, tone)))

    def ran(
        self,
        plan: Plan,
        execution: Execution,
        event_id: str,
        stored: Sequence[Incomplete],
        saved: Sequence[Path],
    ) -> None:
        said = headline(f"run {short(execution.id)}", execution)
        if not self._output.as_json:
            self.line(f"run_{status_word(execution)}", said, scenario=plan.id)
            for text in saved_lines(saved):
                self.line("saved", text, scenario=plan.id)
            for one in stored:
                text = f"stored {short(one.id)}: fusion incomplete show {short(one.id)}"
                self.line("rests", text, scenario=plan.id)
            return
        self.line(
            "run",
            said,
            scenario=plan.id,
            event_id=event_id,
            execution=execution_json(execution),
            incomplete=[incomplete_json(one) for one in stored],
            saved=[str(path) for path in saved],
        )

    def _write(self, content: Mapping[str, Any], now: datetime) -> None:
        said = {"format_version": FORMAT_VERSION, "at": now.isoformat(), **content}
        self._output.result(json.dumps(said, allow_nan=False))
        self._output.flush()
