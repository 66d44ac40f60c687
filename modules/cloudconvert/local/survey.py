"""What the engines here can do, told to a person."""

from collections.abc import Iterable

from modules.cloudconvert.local.converters.converter import Converter
from modules.cloudconvert.local.converters.registry import LISTED
from modules.cloudconvert.local.inventory import Inventory, take_inventory
from modules.cloudconvert.local.isolation import find_isolation

Row = tuple[str, str, str, str]


async def survey() -> list[Row]:
    """Return a table with its head first: engine, version, from, to."""
    inventory = await take_inventory()
    isolation = await find_isolation(*(one.path for one in inventory.ffmpegs))
    by_engine: dict[str, list[Converter]] = {}
    for converter in LISTED:
        by_engine.setdefault(converter.engine, []).append(converter)
    rows = [_row(engine, found, inventory) for engine, found in by_engine.items()]
    return [
        ("ENGINE", "VERSION", "FROM", "TO"),
        *rows,
        (
            "pikepdf",
            inventory.version("pikepdf") or "missing",
            "pdf and all above",
            "merged, split, locked pdf",
        ),
        ("archivetool", "built in", "any", "zip, 7z, rar, tar, tar.gz, tar.bz2"),
        ("isolation", isolation.title, "", ""),
    ]


def _row(engine: str, converters: Iterable[Converter], inventory: Inventory) -> Row:
    listed = list(converters)
    present = [one for one in listed if one.version(inventory) is not None]
    if not present:
        return engine, "missing", f"install: {listed[0].install}", ""
    version = present[0].version(inventory) or ""
    inputs = sorted({name for one in present for name in one.inputs})
    outputs = sorted({name for one in present for name in one.outputs})
    return engine, version, _short(inputs), _short(outputs)


def _short(names: list[str]) -> str:
    return " ".join(names)
