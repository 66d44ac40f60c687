"""Converters whose engine runs in a worker: all share one way of being called."""

from collections.abc import Awaitable, Callable

from modules.cloudconvert.local.call_worker import call_worker, source_of
from modules.cloudconvert.local.converters.converter import Conversion, Converted
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import Work

INSTALL = "pip install --force-reinstall fusion-runner"


def in_worker(engine: str, package: str) -> Callable[[Work, Conversion], Awaitable[Converted]]:
    """Return a converter's `run` that hands the conversion to a worker's engine."""

    async def run(work: Work, conversion: Conversion) -> Converted:
        job = {
            "source": source_of(conversion.source),
            "input_format": conversion.input_format,
            "output_format": conversion.output_format,
            "options": conversion.options.model_dump(),
        }
        paths = await call_worker(work, engine, job)
        return Converted(paths, work.inventory.version(package) or "")

    return run


def version_of(package: str) -> Callable[[Inventory], str | None]:
    """Return a converter's `version` that asks for a Python package."""
    return lambda inventory: inventory.version(package)
