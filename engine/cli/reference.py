"""A module's reference, from the JSON schema of its field models: the spec is the documentation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.model.durations import length_text

Schema: TypeAlias = Mapping[str, Any]

_WORDS = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "object": "collection",
    "null": "null",
}
_FORMATS = {"date-time": "date", "date": "date", "binary": "buffer", "duration": "duration"}
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Item:
    """One field or output item. `facts` are short remarks on it; `default` None: none to tell."""

    name: str
    type: str
    required: bool
    description: str
    facts: tuple[str, ...] = ()
    default: str | None = None
    items: tuple["Item", ...] = field(default=())
    """Items inside it, where they are known."""


def items_of(schema: Schema) -> tuple[Item, ...]:
    """Return the items of a model's JSON schema, in the order in which they are declared."""
    return tuple(_items(schema, schema.get("$defs", {}), 0))


def _items(schema: Schema, definitions: Schema, depth: int) -> Iterator[Item]:
    required = schema.get("required", ())
    for name, written in schema.get("properties", {}).items():
        ways = _ways(written, definitions)
        yield Item(
            name=name,
            type=_type(ways, definitions),
            required=name in required,
            description=" ".join(str(written.get("description", "")).split()),
            facts=tuple(_facts(written, ways)),
            default=_default(written),
            items=tuple(_inner(ways, definitions, depth)),
        )


def _inner(ways: Sequence[Schema], definitions: Schema, depth: int) -> Iterator[Item]:
    """Yield the items of the first collection among the ways, itself or as an array's element."""
    for way in ways:
        element = _resolved(way.get("items", {}), definitions) if "items" in way else way
        if element.get("properties") and element.get("title") != "File" and depth < _DEEPEST:
            yield from _items(element, definitions, depth + 1)
            return


def _ways(schema: Schema, definitions: Schema) -> list[Schema]:
    """Return the forms that a value may have, without null."""
    schema = _resolved(schema, definitions)
    choices = schema.get("anyOf") or schema.get("oneOf") or [schema]
    found = [_resolved(choice, definitions) for choice in choices]
    return [choice for choice in found if choice.get("type") != "null"] or found


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref", "")
    if reference:
        return {**definitions.get(reference.rpartition("/")[2], {}), **schema, "$ref": ""}
    alone = schema.get("allOf", ())
    return _resolved(alone[0], definitions) if len(alone) == 1 else schema


def _type(ways: Sequence[Schema], definitions: Schema) -> str:
    return " or ".join(dict.fromkeys(_type_of(way, definitions) for way in ways))


def _type_of(way: Schema, definitions: Schema) -> str:
    if "enum" in way or "const" in way:
        values = way.get("enum", [way.get("const")])
        return " | ".join(value if isinstance(value, str) else _shown(value) for value in values)
    if way.get("title") == "File":
        return "file"
    if way.get("format") in _FORMATS:
        return _FORMATS[way["format"]]
    if way.get("type") == "array" and way.get("items"):
        return f"array of {_type(_ways(way['items'], definitions), definitions)}"
    return _WORDS.get(str(way.get("type")), "any")


def _facts(written: Schema, ways: Sequence[Schema]) -> Iterator[str]:
    for way in ways:
        yield from _limits(way)
    examples = next((form["examples"] for form in (written, *ways) if form.get("examples")), None)
    if examples:
        yield f"for example {', '.join(map(_shown, examples))}"


def _limits(way: Schema) -> Iterator[str]:
    words = (
        ("minimum", "at least {}"),
        ("exclusiveMinimum", "more than {}"),
        ("maximum", "at most {}"),
        ("exclusiveMaximum", "less than {}"),
        ("minLength", "at least {} characters"),
        ("maxLength", "at most {} characters"),
        ("minItems", "at least {} elements"),
        ("maxItems", "at most {} elements"),
        ("pattern", "matches {}"),
    )
    for key, text in words:
        if key in ("minLength", "minItems") and way.get(key) == 1:
            yield "not empty"
        elif key in way:
            yield text.format(way[key])


def _default(written: Schema) -> str | None:
    default = written.get("default")
    if default is None:
        return None
    text = length_text(default)
    return str(text) if text != default else _shown(default)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
