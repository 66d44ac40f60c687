"""The functions of the mapping language, a file per family, and its variables."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.mapping.coercion import ERASE, milliseconds
from engine.mapping.functions.arrays import ARRAYS
from engine.mapping.functions.binary import BINARY
from engine.mapping.functions.dates import DATES
from engine.mapping.functions.function import Function
from engine.mapping.functions.general import GENERAL
from engine.mapping.functions.numeric import NUMERIC
from engine.mapping.functions.text import TEXT
from engine.mapping.world import World

FAMILIES: Mapping[str, tuple[Function, ...]] = {
    "general": GENERAL,
    "math": NUMERIC,
    "text": TEXT,
    "binary": BINARY,
    "dates": DATES,
    "arrays": ARRAYS,
}
FUNCTIONS: Mapping[str, Function] = {
    function.name: function for family in FAMILIES.values() for function in family
}


def _fact(name: str) -> Callable[[World], Any]:
    return lambda world: world.facts.get(name)


FACTS = (
    "executionID",
    "scenarioID",
    "scenarioName",
    "triggerTimestamp",
    "operationsConsumed",
)

VARIABLES: Mapping[str, Callable[[World], Any]] = {
    "now": lambda world: world.now(),
    "timestamp": lambda world: milliseconds(world.now()) // 1000,
    "random": lambda world: world.random(),
    "uuid": lambda world: world.new_id(),
    "executionId": lambda world: world.facts.get("executionID"),
    "emptyarray": lambda _world: [],
    **{name: _fact(name) for name in FACTS},
}
"""Names whose value is made when they are read. Source: Fusion help, "Variables and keywords"."""

CONSTANTS: Mapping[str, Any] = {
    "pi": 3.141592653589793,
    "null": None,
    "emptystring": "",
    "space": " ",
    "tab": "\t",
    "newline": "\n",
    "nbsp": "\u00a0",
    "carriagereturn": "\r",
    "ignore": None,
    "erase": ERASE,
}
"""Names of fixed values. Assumed: `ignore` is null, a field not supplied."""

__all__ = ["CONSTANTS", "FAMILIES", "FUNCTIONS", "VARIABLES", "Function"]
