"""What bundles hold, for the reference interpreter: what is read, emitted, filtered, aggregated.

A file of its own so that the interpreter, which says what runs when, can be read in one go. It
imports nothing of the engine.
"""

from typing import Any
from zlib import crc32

Json = dict[str, Any]


class Failed(Exception):  # noqa: N818 - a signal, as StopIteration is one
    """A node fails on a bundle; the argument is the type of the error."""


def shown(value: Any) -> str:
    return "" if value is None else str(value)


def reading(node: Json, env: Json) -> str:
    """Return what a node reads: some items of each bundle that it maps."""
    texts = []
    for name, items in node["reads"]:
        bundle = env.get(name, {})
        rows = "+".join(row["row"] for row in bundle.get("array") or [])
        texts.append("".join(rows if item == "rows" else shown(bundle.get(item)) for item in items))
    return "reads " + "|".join(texts)


def passes(condition: Json | None, env: Json) -> bool:
    """R5 to R7, R11: a filter that gives no boolean is an error, and null does not pass."""
    if condition is None:
        return True
    value = env.get(condition["on"], {}).get(condition["item"])
    if "below" in condition:
        if isinstance(value, str):
            raise Failed("DataError")
        return value is not None and bool(value < condition["below"])
    if "values" in condition:
        return value in condition["values"]
    if value is not None:
        raise Failed("DataError")
    return False


def fault(node: Json, text: str, attempt: int) -> str | None:
    """Return the type of the error of an attempt; what is read chooses the row of faults."""
    rows = node["faults"]
    row = rows[crc32(text.encode()) % len(rows)] if rows else []
    if row[-1:] == ["always"]:
        return str(row[0])
    return row[attempt - 1] if attempt <= len(row) else None


def emitted(node: Json, text: str) -> list[Json]:
    """Return what a module emits for what it reads (R4: a search may go on without results)."""
    mark = crc32(text.encode()) % 1000
    found = [
        {"text": f"{node['id']}.{mark}.{index}", **output}
        for index, output in enumerate(node["emits"], 1)
    ]
    return found or [{}] * node["continues"]


def elements(parts: Any) -> list[Json]:
    """R19, R20."""
    if parts is None:
        return []
    values = parts if isinstance(parts, list) else [parts]
    return [
        (value if isinstance(value, dict) else {"value": value}) | positions(index, len(values))
        for index, value in enumerate(values, 1)
    ]


def repeated(node: Json) -> list[Json]:
    count = node["repeats"]
    return [{"i": node["start"] + k * node["step"]} | positions(k + 1, count) for k in range(count)]


def positions(index: int, length: int | None = None) -> Json:
    """Return Fusion's order items, and ours; a length that nobody knows is left out."""
    items = {"__IMTINDEX__": index, "bundle_index": index}
    return items if length is None else items | {"__IMTLENGTH__": length, "bundle_count": length}


def row_of(aggregator: Json, env: Json) -> tuple[Any, Any]:
    """Return a bundle's group, and what it adds (R24, R45)."""
    on, item = aggregator["group_by"] or ("", "")
    key = env.get(on, {}).get(item)
    if aggregator["makes"] != "numeric":
        return key, reading(aggregator, env)
    if aggregator["function"] == "count":
        return key, None
    on, item = aggregator["value"]
    value = env.get(on, {}).get(item)
    if not isinstance(value, int):
        raise Failed("DataError")
    return key, value


def aggregate(aggregator: Json, rows: list[Any]) -> Json:
    """R26."""
    match aggregator["makes"]:
        case "array":
            items = [{"row": row} for row in rows]
            return {"array": items, "__IMTAGGLENGTH__": len(items), "array_length": len(items)}
        case "text":
            return {"text": ", ".join(rows)}
        case "table":
            return {"text": "\n".join(f"{row}/." for row in rows)}
    match aggregator["function"]:
        case "count":
            return {"result": len(rows)}
        case "sum":
            return {"result": sum(rows)}
        case "min":
            return {"result": min(rows, default=None)}
        case _:
            return {"result": max(rows, default=None)}


def sets_of(aggregator: Json, rows: list[tuple[Any, Any]], substitutes: list[Json]) -> list[Json]:
    """R24, R25, R45: all in one set, or one per group; substitutes replace the set or follow."""
    if aggregator["group_by"] is None:
        stops = not rows and aggregator["stop_if_empty"]
        whole = [] if stops else [aggregate(aggregator, [row for _, row in rows])]
        return substitutes[:1] or whole
    order = list(dict.fromkeys(key for key, _ in rows))  # of first sight
    return [
        aggregate(aggregator, [row for its, row in rows if its == key])
        | {"key": key, "__IMTKEY__": key}
        | positions(index, len(order))
        for index, key in enumerate(order, 1)
    ] + substitutes
