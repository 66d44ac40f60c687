"""Answers as they go over the wire, and what becomes of a request that is not served."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from modules.cloudconvert.local.refusal import Refusal

LOG = logging.getLogger(__name__)

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

CATCH_ALL = "/{operation:path}"
"""Any path could name an operation."""


def json_reply(body: Any, status: int = 200) -> Response:
    """Return a body of JSON as it stands."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def data_reply(body: Any, status: int = 200) -> Response:
    """Wrap a single resource."""
    return json_reply({"data": body}, status)


def refused_reply(refusal: Refusal) -> Response:
    """Return CloudConvert's error envelope."""
    body: dict[str, Any] = {"message": refusal.message, "code": refusal.code}
    if refusal.errors is not None:
        body["errors"] = refusal.errors
    reply = json_reply(body, refusal.status)
    reply.headers.update(refusal.headers)
    return reply


def answering(endpoint: Endpoint) -> Endpoint:
    """Turn what an endpoint raises into the service's error envelope."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return refused_reply(refusal)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            LOG.exception("%s %s broke", request.method, request.url.path)
            return refused_reply(Refusal(500, "INTERNAL_ERROR", "The server failed; see its log."))

    return answer


async def http_error(request: Request, error: Exception) -> Response:
    """Answer a request that no endpoint takes."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    allowed = _allowed(request) if status == 405 else frozenset()
    if status == 405 and not allowed:
        status = 404
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(status, "BAD_REQUEST")
    text = {404: "Not found.", 405: "The method is not allowed here."}.get(status, "Bad request.")
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
    return refused_reply(Refusal(status, code, text, headers=headers))


def _allowed(request: Request) -> frozenset[str]:
    """Return the methods by which a path leads somewhere."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    known = (route for route in routes if not route.path.endswith(CATCH_ALL))
    found = (route for route in known if route.matches(request.scope)[0] is not Match.NONE)
    return frozenset(method for route in found for method in route.methods or ())
