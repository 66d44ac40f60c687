"""JSON schema of a module's fields as authors write them, which is wider than what it is given.

Any typed field also takes a text with an expression in it, a value of a kind that becomes its own
(`engine.plan.expected`), and null where it may be left out. A limit that holds only after a value
has been changed, or only for what an expression gives, is left to `fusion validate`: what it
accepts, the schema accepts.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from engine.model.durations import length_text
from engine.plan.reference import Described

Schema: TypeAlias = dict[str, Any]

MAPPED: Final = r"\{[{%#]"
"""In a text with an expression, a statement or a comment."""
_NUMERIC: Final = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?\s*$"
_NOTES = ("description", "examples", "deprecated")
_FREE, _MODEL, _CHOICE, _PLAIN = "x-free", "x-model", "x-choice", "x-plain"
ANY_MAPPED: Final[Schema] = {
    "anyOf": [
        {"type": "string", "pattern": MAPPED},
        {"type": "array", "contains": {"$ref": "#/definitions/mapped"}},
        {
            "type": "object",
            "not": {"additionalProperties": {"not": {"$ref": "#/definitions/mapped"}}},
        },
    ]
}
"""Definition `mapped`: a value with an expression anywhere in it."""
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_PORTABLE = re.compile(r"(?:[^\\(]|\\[.\-/]|\((?!\?))*")
"""Regular expressions that mean the same to every reader of a schema."""


class _Written(Described):
    """Marks what `_opened` must know: where a validator reads values itself, and what is closed."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        return {**super().function_before_schema(schema), _FREE: True}

    def function_wrap_schema(
        self, schema: core_schema.WrapValidatorFunctionSchema
    ) -> JsonSchemaValue:
        return {**super().function_wrap_schema(schema), _FREE: True}

    def function_plain_schema(
        self, schema: core_schema.PlainValidatorFunctionSchema
    ) -> JsonSchemaValue:
        return {_FREE: True}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return {**super().model_schema(schema), _MODEL: True}

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return {**super().literal_schema(schema), _CHOICE: True}

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return {**super().enum_schema(schema), _CHOICE: True}

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return {**super().int_schema(schema), _PLAIN: True}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {**super().float_schema(schema), _PLAIN: True}

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return {**super().bool_schema(schema), _PLAIN: True}

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        described = {**super().str_schema(schema), _PLAIN: True}
        changed = any(schema.get(each) for each in ("strip_whitespace", "to_lower", "to_upper"))
        if changed or self._config.str_strip_whitespace:
            described.pop("pattern", None)
            described.pop("maxLength", None)
        return described


def fields_schema(
    model: type[BaseModel], prefix: str, settled: Sequence[str] = ()
) -> tuple[Schema, Schema]:
    """Return the schema of a module's `with`, and the definitions that it refers to.

    These are named `prefix.Name` and stand under `#/definitions`. Fields in `settled` take no
    expression.
    """
    found = TypeAdapter(model).json_schema(schema_generator=_Written)
    opener = _Opener(prefix, found.pop("$defs", {}))
    schema = opener.top(found, settled)
    definitions = {"mapped": ANY_MAPPED} | {
        f"{prefix}.{name}": opener.opened(each) for name, each in opener.definitions.items()
    }
    return schema, definitions


class _Opener:
    """Opens the schemas of one model for what authors may write."""

    def __init__(self, prefix: str, definitions: Mapping[str, Schema]) -> None:
        self.prefix = prefix
        self.definitions = definitions

    def top(self, model: Schema, settled: Sequence[str]) -> Schema:
        if model.get(_FREE):
            return self._suggested(model)
        schema = self._items(model)
        for name in set(settled) & set(schema["properties"]):
            _close(schema["properties"][name])
        return schema

    def opened(self, schema: Schema) -> Schema:
        """Return what may be written where a value of this schema is expected."""
        if schema.get(_FREE):
            return self._suggested(schema)
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if self.definitions[name].get(_FREE):
                return self._suggested(schema)
            return {"$ref": f"#/definitions/{self.prefix}.{name}"}
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            return self._either(choices)
        if "enum" in schema or "const" in schema:
            return _choice(schema)
        ways: Mapping[str, Callable[[Schema], Schema]] = {
            "array": self._array,
            "object": self._object,
            "string": _text,
            "integer": _number,
            "number": _number,
            "boolean": _boolean,
            "null": lambda _schema: {"type": "null"},
        }
        kind = str(schema.get("type"))
        if kind not in ways:
            return {}
        opened = ways[kind](schema)
        simple = kind in ("string", "integer", "number", "boolean")
        return _or_mapped_inside(opened) if simple and not schema.get(_PLAIN) else opened

    def _property(self, schema: Schema, *, required: bool) -> Schema:
        opened = self.opened(schema)
        if not required:
            opened = _or_null(opened)
        if "$ref" in opened:  # readers of draft-07 look at nothing beside a reference
            opened = {"anyOf": [opened]}
        return {**_notes(schema), **opened}

    def _items(self, model: Schema) -> Schema:
        required = model.get("required", [])
        properties = {
            name: self._property(each, required=name in required)
            for name, each in model.get("properties", {}).items()
        }
        closed = model.get("additionalProperties") is False
        return {
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
            **({"additionalProperties": False} if closed else {}),
        }

    def _object(self, schema: Schema) -> Schema:
        if schema.get(_MODEL):
            items = self._items(schema)
            return {**items, "type": ["object", "string"], "pattern": MAPPED}
        opened: Schema = {"type": ["object", "string"], "pattern": MAPPED}
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            value = self.opened(values)
            opened |= {"additionalProperties": value} if value else {}
        if schema.get("minProperties"):
            opened["minProperties"] = 1
        return opened

    def _array(self, schema: Schema) -> Schema:
        """Open an array; one value that is none counts as its only element.

        How many there are is known before the run only if none is too few.
        """
        elements = schema.get("items")
        element = self.opened(elements) if isinstance(elements, dict) else {}
        few: Schema = {"minItems": 1} if schema.get("minItems") else {}
        if not element:
            return few
        array = {"type": "array", "items": element, **few}
        return {"anyOf": [array, element, {"type": "string", "pattern": MAPPED}]}

    def _either(self, choices: Sequence[Schema]) -> Schema:
        opened = [self.opened(each) for each in choices]
        if {} in opened:
            return {}
        flat: list[Schema] = []
        for each in opened:
            flat += each["anyOf"] if set(each) == {"anyOf"} else [each]
        return flat[0] if len(flat) == 1 else {"anyOf": flat}

    def _suggested(self, schema: Schema, depth: int = 0) -> Schema:
        """Return what to suggest where only the module knows what it takes."""
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        found: Schema = {}
        if depth < 4:
            for name, each in schema.get("properties", {}).items():
                inner = self._suggested(each, depth + 1)
                found.setdefault("properties", {})[name] = {**_notes(each), **inner}
            if isinstance(schema.get("items"), dict):
                found |= _unless_empty("items", self._suggested(schema["items"], depth + 1))
        return found


def _unless_empty(name: str, schema: Schema) -> Schema:
    return {name: schema} if schema else {}


def _notes(schema: Schema) -> Schema:
    """Return what documents a field, its default as an author would write it."""
    forms = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    notes = {
        name: next(form[name] for form in forms if name in form)
        for name in _NOTES
        if any(name in form for form in forms)
    }
    if schema.get("default") is not None:
        notes["default"] = length_text(schema["default"])
    return notes


def _or_null(schema: Schema) -> Schema:
    kind = schema.get("type")
    if kind is not None:
        kinds = [kind] if isinstance(kind, str) else kind
        return {**schema, "type": list(dict.fromkeys([*kinds, "null"]))}
    if "anyOf" in schema:
        if {"type": "null"} in schema["anyOf"]:
            return schema
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]} if "$ref" in schema else schema


def _or_mapped_inside(schema: Schema) -> Schema:
    """Open a field whose module reads it itself for what cannot be judged before the run."""
    ways = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
    return {"anyOf": [*ways, {"$ref": "#/definitions/mapped"}]}


def _close(schema: Schema) -> None:
    """Take the texts with expressions out of a field that is settled before the run."""
    if "anyOf" in schema:
        schema["anyOf"] = [each for each in schema["anyOf"] if each.get("pattern") != MAPPED]


def _text(schema: Schema) -> Schema:
    """Open a text: numbers, true and false, and arrays of them become one."""
    others = ["number", "boolean", "array"]
    few = {"minLength": 1} if schema.get("minLength") else {}
    pattern = schema.get("pattern")
    if "maxLength" not in schema and not pattern:
        return {"type": ["string", *others], **few}
    limits = dict(few)
    if "maxLength" in schema:
        limits["maxLength"] = schema["maxLength"]
    if pattern and _PORTABLE.fullmatch(pattern):
        limits["pattern"] = pattern
    exact = {"type": ["string", *others], **limits}
    return {"anyOf": [exact, {"type": "string", "pattern": MAPPED}]}


def _number(schema: Schema) -> Schema:
    bounds = {name: schema[name] for name in _BOUNDS if name in schema}
    whole = schema["type"]
    return {"type": [whole, "string"], **bounds, "pattern": f"{_NUMERIC}|{MAPPED}"}


def _boolean(_schema: Schema) -> Schema:
    return {"type": ["boolean", "string"], "pattern": f"^(true|false)?$|{MAPPED}"}


def _choice(schema: Schema) -> Schema:
    """Open a choice among fixed values, which may be given by their texts.

    A text of a choice may be made of an array too, as any text; one of one element can be it.
    """
    values = schema.get("enum", [schema.get("const")])
    if not schema.get(_CHOICE):
        return {"examples": values}
    spelled = list(_spellings(values))
    choice: Schema = {"enum": [*values, *spelled]}
    ways: list[Schema] = [choice, {"type": "string", "pattern": MAPPED}]
    if any(isinstance(value, str) for value in values):
        ways.append({"type": "array"})
    if any(type(value) in (int, float) for value in values):
        ways.append({"type": "string", "pattern": _NUMERIC})
    return {"anyOf": ways}


def _spellings(values: Sequence[Any]) -> Iterator[Any]:
    """Yield other ways to write the values: numbers and booleans for their texts."""
    for value in values:
        if isinstance(value, bool):
            yield str(value).lower()
        elif value in ("true", "false"):
            yield value == "true"
        elif isinstance(value, str) and value.isascii() and value.isdecimal():
            yield int(value)
