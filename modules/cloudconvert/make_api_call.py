"""CloudConvert, "Make an API Call". Source: Fusion's CloudConvert page."""

from collections.abc import AsyncIterator
from typing import Any, Literal, Self

from pydantic import model_validator

from engine.errors import ModuleError, OutcomeUnknownError
from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.api import call, is_lost
from modules.cloudconvert.call_fields import ApiPath, Body, CallHeaders, Query


class MakeApiCallFields(Fields):
    """Fields of "Make an API Call"."""

    url: ApiPath
    """Path with the API's version, such as `/v2/tasks`; the connection knows the rest."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    """HTTP method."""
    headers: CallHeaders = {}
    """Headers besides those of the connection: a map, rows of `name` and `value`, or JSON."""
    query_string: Query = {}
    """Parameters of the query, such as `filter[status]`: a map, rows or JSON, as for `headers`."""
    body: Body = None
    """What is sent: JSON text, in which templates are filled in first, or a collection or array."""

    @model_validator(mode="after")
    def _sendable(self) -> Self:
        if self.method == "GET" and self.body is not None:
            raise ValueError("`body` does not go with `method: GET`")
        return self


class ApiAnswer(Fields):
    """What the API answers."""

    body: Any
    """The answer, most often with its content under `data`; None if it is empty."""
    headers: dict[str, str]
    """The answer's headers; their names are in lower case."""
    status_code: int
    """The answer's HTTP status; from 400 on it is an error instead."""


class MakeApiCall(Module[MakeApiCallFields, ApiAnswer]):
    """Send any request to the API, for what no other module does."""

    id = "cloudconvert.make_api_call"
    effect = Effect.WRITE

    def finds_again(self, fields: MakeApiCallFields) -> bool:
        """Some requests may be sent again: they do what they did before."""
        return fields.method in ("GET", "PUT")

    async def execute(self, fields: MakeApiCallFields, ctx: Context) -> AsyncIterator[ApiAnswer]:
        more: dict[str, Any] = {"query": fields.query_string, "headers": fields.headers}
        try:
            reply = await call(ctx, fields.method, fields.url, json=fields.body, **more)
        except ModuleError as error:
            if fields.method in ("POST", "PATCH") and is_lost(error):
                raise _outcome_unknown(fields, error) from error
            raise
        yield ApiAnswer(body=reply.body, headers=dict(reply.headers), status_code=reply.status)


def _outcome_unknown(fields: MakeApiCallFields, cause: ModuleError) -> ModuleError:
    """Return the error for a request that nothing may repeat by itself: it may have worked."""
    return OutcomeUnknownError(
        f"whether CloudConvert carried out the request is not known: {cause.message}",
        detail=cause.detail,
        notes=(f"look what became of {fields.method} {fields.url} before it is repeated",),
    )
