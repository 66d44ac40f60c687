"""Tools, "Basic trigger": bundles written in the scenario. Source: Fusion help, Tools."""

from collections.abc import Iterable
from typing import Any

from engine.module import Bundle, Context, Fields, Kind, Module


class TriggerFields(Fields):
    bundles: list[dict[str, Any]]
    """The bundles to emit, each a map of item names to values."""


class BasicTrigger(Module[TriggerFields, Bundle]):
    """Emit the bundles that the scenario lists, in their order, in every cycle."""

    id = "tools.basic_trigger"
    kind = Kind.TRIGGER

    def execute(self, fields: TriggerFields, ctx: Context) -> Iterable[Bundle]:
        return fields.bundles
