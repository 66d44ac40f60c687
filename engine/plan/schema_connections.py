"""JSON schema of connections: what an entry of `connections` may hold, by its connector."""

from collections.abc import Mapping
from typing import Any, Final

from engine.module import ConnectionFields, Connector
from engine.plan.catalog import Catalog
from engine.plan.reference import json_schema
from engine.plan.schema_fields import Schema

_YES_OR_NO: Final = (
    "^([tT]([rR][uU][eE])?|[fF]([aA][lL][sS][eE])?|[yY]([eE][sS])?|[nN][oO]?|[oO][nN]|"
    "[oO][fF][fF]|0|1)$"
)

_LAX: Mapping[str, Schema] = {
    "boolean": {"type": ["boolean", "integer", "string"], "pattern": _YES_OR_NO},
    "string": {"type": ["string", "number"]},
    "integer": {"type": ["number", "string", "boolean"]},
    "number": {"type": ["number", "string", "boolean"]},
}
"""What else pydantic takes for a value of a type, where nothing else reads values before it."""


def connections_schema(catalog: Catalog) -> tuple[Schema, Schema]:
    """Return the schema of one connection, and the definitions that it refers to."""
    connectors = [catalog.connector(name) for name in catalog.names()]
    known = [each for each in connectors if each.connection is not None]
    definitions: Schema = {}
    entry: Schema = {
        "type": "object",
        "properties": {"type": {"enum": [each.name for each in known]}},
        "required": ["type"],
        "allOf": [],
    }
    for connector in known:
        definitions |= _connection(connector)
        entry["allOf"].append(
            {
                "if": {"properties": {"type": {"const": connector.name}}, "required": ["type"]},
                "then": {"$ref": f"#/definitions/{connector.name}"},
            }
        )
    return entry, definitions


def _connection(connector: Connector) -> Schema:
    """Return the definitions of a connector's connections, its own named like the connector."""
    model: type[ConnectionFields] | None = connector.connection
    if model is None:
        return {}
    found = _qualified(json_schema(model), connector.name)
    definitions = {
        f"{connector.name}.{name}": each for name, each in found.pop("$defs", {}).items()
    }
    kind = {"const": connector.name, "description": f"{connector.title}."}
    fields = {**found, "properties": {"type": kind, **found["properties"]}}
    ways: Schema = {"anyOf": [fields]}
    if connector.embedded is not None:
        own = {"embedded": {"const": True, "description": "Use the connector's own server."}}
        ways = {
            "if": {"required": ["embedded"]},
            "then": {
                "properties": {"type": kind, **own},
                "additionalProperties": False,
            },
            "else": fields,
        }
    return {connector.name: ways, **definitions}


def _qualified(schema: Any, prefix: str) -> Any:
    """Return a schema of a connection as pydantic takes values where nothing else reads them."""
    if isinstance(schema, list):
        return [_qualified(each, prefix) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"allOf": [{"$ref": f"#/definitions/{prefix}.{schema['$ref'].rpartition('/')[2]}"}]}
    found: Schema = {}
    for name, value in schema.items():
        if name in ("properties", "$defs"):
            found[name] = {each: _qualified(value[each], prefix) for each in value}
        elif name not in ("title", "format"):
            found[name] = _qualified(value, prefix)
    return (
        found
        if {"enum", "const"} & set(found)
        else {**found, **_LAX.get(str(found.get("type")), {})}
    )
