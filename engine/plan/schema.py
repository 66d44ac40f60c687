"""The JSON schema (draft-07) of the whole scenario language, for editors and other checkers.

It comes from the models that `fusion validate` checks with. Whatever validate accepts, it accepts;
`UNKNOWN_TO_SCHEMA` are the codes that only validate knows.
"""

import json
from collections.abc import Iterator, Mapping
from inspect import getdoc
from typing import Any, Final

from engine.mapping.compile import RESERVED_NAMES
from engine.model.scenario import ScenarioWritten
from engine.plan.catalog import Catalog
from engine.plan.conditions import OPERATORS, UNARY
from engine.plan.flow import FLOW, SETTLED_FIELDS, FlowModule
from engine.plan.plan import NodeKind
from engine.plan.reference import json_schema
from engine.plan.schema_connections import connections_schema
from engine.plan.schema_fields import Schema, fields_schema
from engine.plan.survey import LONGEST_ID

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
FILE_NAME: Final = "scenario.schema.json"
"""What the schema's file is called beside a scenario."""
MODELINE: Final = f"# yaml-language-server: $schema={FILE_NAME}"
"""First line of a scenario, by which editors find the schema."""

UNKNOWN_TO_SCHEMA: Final = frozenset(
    {
        *("E101", "E102", "E103", "E104", "E106", "E107"),
        *("E124", "E125", "E140"),
        *("E201", "E202", "E203", "E204", "E210", "E211", "E212", "E213", "E215"),
        "E301",
    }
)
"""Codes of load errors that only `fusion validate` finds: YAML itself, what depends on other nodes,
expressions. Of E105, E112, E121, E122, E123, E131 and E132 the schema finds what one value shows.
"""

_NOT_ASCII_WORD = r"\x00-/:-@\[-^`{-\x7f"
_IDENTIFIER = f"^[^0-9{_NOT_ASCII_WORD}][^{_NOT_ASCII_WORD}]*$"
_LENGTH = r"^\s*(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?\s*$"

_DEFAULTS: Mapping[str, Schema] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"]},
    "array": {"type": ["array", "null"]},
    "collection": {"type": ["object", "null"]},
}


def scenario_schema(catalog: Catalog) -> Schema:
    """Return the schema of a scenario file, with every module of a catalog.

    Raises ScenarioError (E140) for a connector or module that cannot be imported.
    """
    found = _renamed(json_schema(ScenarioWritten))
    definitions: Schema = found.pop("$defs")
    cases = []
    for name, summary, schema, more in _modules(catalog):
        definitions |= {name: {**schema, "description": summary}, **more}
        cases.append((name, summary, bool(schema.get("required"))))
    _complete_node(definitions["Node"], cases)
    _complete_rest(found["properties"], definitions)
    entry, more = connections_schema(catalog)
    found["properties"]["connections"]["additionalProperties"] = entry
    return {
        "$schema": DRAFT,
        "title": "Scenario",
        **found,
        "definitions": {**definitions, **more},
    }


def schema_text(catalog: Catalog) -> str:
    """Return the schema of a scenario file as text."""
    return json.dumps(scenario_schema(catalog), indent=2) + "\n"


def module_schema(catalog: Catalog, module_id: str) -> Schema:
    """Return the schema of one module's `with`. Raises KeyError for an unknown module."""
    own = FLOW.get(module_id)
    _name, summary, schema, definitions = (
        _own_module(own) if own is not None else _module(catalog, module_id)
    )
    more = {"definitions": definitions} if definitions else {}
    return {"$schema": DRAFT, "title": module_id, "description": summary, **schema, **more}


def _modules(catalog: Catalog) -> Iterator[tuple[str, str, Schema, Schema]]:
    for module in FLOW.values():
        yield _own_module(module)
    for module_id in catalog.module_ids():
        yield _module(catalog, module_id)


def _own_module(module: FlowModule) -> tuple[str, str, Schema, Schema]:
    settled = SETTLED_FIELDS.get(module.kind, ())
    schema, definitions = fields_schema(module.fields, module.id, settled)
    return module.id, module.summary, schema, definitions


def _module(catalog: Catalog, module_id: str) -> tuple[str, str, Schema, Schema]:
    module = catalog.module(module_id)
    schema, definitions = fields_schema(module.input, module_id)
    return module_id, (getdoc(module) or "").partition("\n")[0], schema, definitions


def _renamed(schema: Any) -> Any:
    """Return a schema of ours without titles, its definitions named as authors call them."""
    if isinstance(schema, list):
        return [_renamed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found: Schema = {}
    for name, value in schema.items():
        if name == "$ref":
            last = value.rpartition("/")[2].removesuffix("Written")
            found[name] = f"#/definitions/{last}"
        elif name == "$defs":
            found[name] = {each.removesuffix("Written"): _renamed(value[each]) for each in value}
        elif name == "properties":
            found[name] = {each: _renamed(value[each]) for each in value}
        elif name != "title" and not (name == "default" and value in (None, "")):
            found[name] = _renamed(value)
    return found


def _complete_node(node: Schema, cases: list[tuple[str, str, bool]]) -> None:
    """Say which modules there are, and what each takes."""
    properties = node["properties"]
    properties["id"].pop("anyOf")
    properties["id"] |= {
        "type": ["string", "null"],
        "maxLength": LONGEST_ID,
        "pattern": _IDENTIFIER,
        "patternErrorMessage": "An id is letters, digits and `_`, no digit first.",
        "not": {"enum": sorted(RESERVED_NAMES)},
        "errorMessage": "This name has a meaning in expressions; take another id.",
    }
    properties["module"] |= {
        "enum": [name for name, _summary, _needs in cases],
        "enumDescriptions": [summary for _name, summary, _needs in cases],
    }
    node["allOf"] = [_case(name, needs_fields=needs) for name, _summary, needs in cases]


def _case(module_id: str, *, needs_fields: bool) -> Schema:
    own = FLOW.get(module_id)
    is_router = own is not None and own.kind is NodeKind.ROUTER
    required = [*(["with"] if needs_fields else []), *(["routes"] if is_router else [])]
    then: Schema = {
        "properties": {
            "with": {"$ref": f"#/definitions/{module_id}"},
            "routes": {"type": "array" if is_router else "null"},
        }
    }
    if required:
        then["required"] = required
    return {
        "if": {"properties": {"module": {"const": module_id}}, "required": ["module"]},
        "then": then,
    }


def _complete_rest(properties: Schema, definitions: Schema) -> None:
    """Say what the models leave to later checks, as far as one value shows it."""
    definitions["ConditionGroup"]["properties"]["all"]["items"] = _condition()
    inputs = definitions["InputField"]
    inputs["properties"]["default"] = {"description": "Its value if none is given."}
    inputs["allOf"] = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"properties": {"default": schema}},
        }
        for name, schema in _DEFAULTS.items()
    ]
    inputs["allOf"].append(
        {
            "if": {"not": {"required": ["type"]}},
            "then": {"properties": {"default": _DEFAULTS["text"]}},
        }
    )
    schedule = definitions["Settings"]["properties"]["retry_schedule"]
    for way in schedule["anyOf"]:
        if way.get("type") == "array":
            way["items"] = {"type": "string", "pattern": _LENGTH, "examples": ["10m", "1h"]}
    properties["id"] |= {"minLength": 1, "maxLength": LONGEST_ID, "pattern": "^[^/]*$"}
    properties["settings"] = {
        "description": "How the scenario runs.",
        "allOf": [{"$ref": "#/definitions/Settings"}],
    }


def _condition() -> Schema:
    """Return the schema of `[left, operator, right]`."""
    both = [name for name in OPERATORS if name not in UNARY]
    return {
        "type": "array",
        "anyOf": [
            {"items": [{}, {"enum": both}, {}], "minItems": 3, "maxItems": 3},
            {"items": [{}, {"enum": sorted(UNARY)}], "minItems": 2, "maxItems": 2},
        ],
        "examples": [["{{ video.name }}", "text:contain", "holiday"]],
    }
