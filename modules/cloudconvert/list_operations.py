"""CloudConvert, "List Possible Operations". Source: Fusion's CloudConvert page; API v2."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from engine.module import Context, Effect, Kind, Module, SearchFields
from modules.cloudconvert.answers import Answer, Flag, List, Map, Text, Whole, maps
from modules.cloudconvert.api import call, entries
from modules.cloudconvert.fields import Format, OperationName


class ListOperationsFields(SearchFields):
    """Fields of "List Possible Operations"."""

    operation: OperationName | None = None
    """Only this operation, such as `convert` or `optimize`; left out: all."""
    input_format: Format | None = None
    """Only what takes this format, such as `mov`; left out: all."""
    output_format: Format | None = None
    """Only what makes this format, such as `mp4`; left out: all."""


class OperationOption(Answer):
    """An option of an operation on a pair of formats."""

    name: Text = None
    """Name under which a job gives it."""
    type: Text = None
    """`string`, `boolean`, `integer`, `float`, `enum` or `dictionary`."""
    default: Any = None
    """What holds if it is left out; None: nothing, or the service decides."""
    possible_values: List = Field(default_factory=list)
    """The values that it may have; empty where any of its type will do."""


class EngineVersion(Answer):
    """A version of an engine that may be asked for."""

    version: Text = None
    """Its number."""
    default: Flag = None
    """Whether it is what a task gets that asks for none."""
    latest: Flag = None
    """Whether it is the newest one."""
    deprecated: Flag = None
    """Whether it will go."""
    experimental: Flag = None
    """Whether it is not known to be reliable yet."""


class PossibleOperation(Answer):
    """Something that the service can do: an operation, on a pair of formats if it has some."""

    operation: Text = None
    """What it is, such as `convert`."""
    input_format: Text = None
    """Format that it takes; None if it takes any, or no file."""
    output_format: Text = None
    """Format that it makes; None if that is the input's, or none."""
    engine: Text = None
    """Program that does it."""
    credits: Whole = None
    """What it costs, if the service tells."""
    deprecated: Flag = None
    """Whether it will go."""
    experimental: Flag = None
    """Whether it is not known to be reliable yet."""
    meta: Map = Field(default_factory=dict)
    """What else the service tells, such as the `group` of the format."""
    alternatives: List = Field(default_factory=list)
    """Other engines for the same."""
    options: Annotated[list[OperationOption], BeforeValidator(maps)] = Field(default_factory=list)
    """Options that a job may give, each with `name`, `type`, `default` and `possible_values`."""
    engine_versions: Annotated[list[EngineVersion], BeforeValidator(maps)] = Field(
        default_factory=list
    )
    """Versions of the engine that a job may ask for."""


class ListOperations(Module[ListOperationsFields, PossibleOperation]):
    """List what the service can do, one bundle for each pair of formats, with its options."""

    id = "cloudconvert.list_operations"
    kind = Kind.SEARCH
    effect = Effect.READ

    async def execute(
        self, fields: ListOperationsFields, ctx: Context
    ) -> AsyncIterator[PossibleOperation]:
        filters = {
            f"filter[{name}]": value
            for name in ("operation", "input_format", "output_format")
            if (value := getattr(fields, name)) is not None
        }
        query = {**filters, "include": "options,engine_versions"}
        found = entries(await call(ctx, "GET", "/operations", query=query))
        ctx.progress(len(found), len(found))
        for entry in found:
            yield PossibleOperation.model_validate(entry)
