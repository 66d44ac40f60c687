"""The operations that are kept of a run, for people and for programs."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.cli.output import Line, Span, Tone
from engine.cli.units import counted

if TYPE_CHECKING:
    from engine.app.stored import MappedFields
    from engine.model.bundle import Bundle
    from engine.model.history import KeptOperation


def operation_lines(
    node_id: str, one: "KeptOperation", count: int, fields: "MappedFields"
) -> Iterator[Line]:
    """Yield one operation in full: what the node saw, its fields, and what came of it."""
    from engine.cli.outline import outline

    yield (Span(f"{node_id}, bundle {one.number} of {count}", Tone.STRONG),)
    if one.bundles or one.bundles.too_large:
        yield "  saw"
        yield from _bundles(one.bundles)
    for name in one.bundles.too_large:
        yield f"    {name}: too large to be kept"
    if fields.values:
        yield "  fields"
        yield from outline(fields.values, "    ")
    if one.failure is not None:
        yield f"  failed: {one.failure.type}: {one.failure.message}"
        if one.failure.where:
            yield f"  at {one.failure.where}"
        return
    more = ", of which the first are kept" if 0 < len(one.outputs) < one.emitted else ""
    yield f"  emitted {counted(one.emitted, 'bundle')}{more}"
    for index, bundle in enumerate(one.outputs):
        if bundle is None:
            yield f"    [{index}]: too large to be kept"
        else:
            yield from _bundles({f"[{index}]": bundle})


def operation_json(one: "KeptOperation", fields: "MappedFields | None" = None) -> dict[str, Any]:
    """Return one operation; `emitted` counts all bundles that it emitted, null was too large.

    `fields` is null if they are not asked for, or could not be mapped.
    """
    from engine.cli.records import failure_json, value_json

    return {
        "number": one.number,
        "bundles": value_json(one.bundles),
        "fields": None if fields is None or fields.fault else value_json(fields.values),
        "outputs": value_json(list(one.outputs)),
        "emitted": one.emitted,
        "failure": one.failure and failure_json(one.failure),
        "too_large": one.bundles.too_large,
    }


def _bundles(bundles: "Mapping[str, Bundle]") -> Iterator[str]:
    from engine.cli.outline import outline, without_order

    yield from outline({name: without_order(bundle) for name, bundle in bundles.items()}, "    ")
