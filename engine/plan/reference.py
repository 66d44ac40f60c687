"""Field models as JSON schema with their documentation, for `fusion modules` and editors.

The texts are the docstrings below the fields. They are read from the source when asked for: doing
so for every model at import would cost more than all else at the start of a command.
"""

import ast
import inspect
from collections.abc import Mapping
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from engine.plan.flow import FLOW


def json_schema(model: Any) -> dict[str, Any]:
    """Return the JSON schema of a field model, or of a type made of some, with descriptions."""
    return TypeAdapter(model).json_schema(schema_generator=Described)


class Described(GenerateJsonSchema):
    """Takes descriptions from the docstrings below the fields; a type that says nothing is any."""

    def handle_invalid_for_json_schema(
        self, schema: core_schema.CoreSchema, error_info: str
    ) -> JsonSchemaValue:
        return {}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        properties = described.get("properties", {})
        fields = schema["cls"].model_fields
        for name, text in field_texts(schema["cls"]).items():
            written = (name in fields and fields[name].alias) or name
            if written in properties:
                properties[written].setdefault("description", text)
        return described


def describe_flow() -> list[dict[str, Any]]:
    """Describe the engine's own modules as JSON: id, kind, summary, schemas of `with` and output.

    An output of None depends on the data, or there is none.
    """
    return [
        {
            "id": module.id,
            "kind": module.kind.value,
            "summary": module.summary,
            "fields": json_schema(module.fields),
            "output": None if module.output is None else json_schema(module.output),
        }
        for module in FLOW.values()
    ]


def field_texts(model: type) -> Mapping[str, str]:
    """Return the docstring below each field of a model, inherited ones included."""
    texts: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if "__annotations__" in vars(owner) and owner.__module__.split(".")[0] != "pydantic":
            texts |= _texts_below_fields(owner)
    return texts


def _texts_below_fields(owner: type) -> dict[str, str]:
    try:
        source = dedent(inspect.getsource(owner))
    except (OSError, TypeError):  # made at run time, or shipped without source: no texts
        return {}
    (written,) = ast.parse(source).body
    texts = {}
    body = written.body if isinstance(written, ast.ClassDef) else []
    for field, below in pairwise(body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[name] = inspect.cleandoc(text)
    return texts
