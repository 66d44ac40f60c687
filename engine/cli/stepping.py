"""`fusion run --step`: pauses before each operation and shows its mapped fields."""

import sys
from typing import TYPE_CHECKING

from engine.cli.outline import outline
from engine.cli.output import Output, Span, Tone

if TYPE_CHECKING:
    from engine.module import Fields
    from engine.plan.plan import Node

KEYS = "Enter: run it   c: run to the end   q: stop"


class Stepper:
    """Asks before each operation, until told to go on. Questions go to stderr."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._asks = True
        self._count = 0

    def __call__(self, node: "Node", fields: "Fields") -> bool:
        """Say whether the operation is to run; the end of the input says no."""
        if not self._asks:
            return True
        self._count += 1
        title = f"{self._count}. {node.id}"
        self._output.tell((Span(title, Tone.STRONG), Span(f"  {node.module_id}", Tone.FAINT)))
        given = {name: getattr(fields, name) for name in sorted(fields.model_fields_set)}
        for line in outline(given, "   "):
            self._output.tell(line)
        self._output.tell((Span(f"   {KEYS}", Tone.FAINT),))
        answer = sys.stdin.readline()
        self._asks = answer.strip().lower() not in ("c", "continue")
        return bool(answer) and answer.strip().lower() not in ("q", "quit")
