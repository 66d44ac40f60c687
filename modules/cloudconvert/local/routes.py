"""The HTTP face of the server: which path and method leads where, and who may go there.

`/v2/…` answers at once; `/sync/v2/…`, and any host whose name starts with `sync.`, answers when the
job or task has ended. Source: CloudConvert API v2.
"""

import hmac
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modules.cloudconvert.local.account_endpoints import AccountEndpoints
from modules.cloudconvert.local.job_endpoints import JobEndpoints
from modules.cloudconvert.local.parts import Parts
from modules.cloudconvert.local.refusal import Refusal
from modules.cloudconvert.local.replies import CATCH_ALL, Endpoint, answering, http_error
from modules.cloudconvert.local.task_endpoints import TaskEndpoints
from modules.cloudconvert.local.webhook_endpoints import WebhookEndpoints

Table: TypeAlias = list[tuple[str, str, Endpoint]]
"""Method, path below the API's root, endpoint."""


def make_app(parts: Parts) -> Starlette:
    """Return the ASGI application."""
    keyed = [(method, path, _keyed(parts, end)) for method, path, end in _keyed_table(parts)]
    routes = [
        Route(prefix + path, answering(endpoint), methods=[method])
        for prefix in ("/v2", "/sync/v2")
        for method, path, endpoint in (*_open_table(parts), *keyed)
    ]
    routes += [
        Route("/storage/tasks", answering(parts.storage.upload), methods=["POST"]),
        Route(
            "/storage/tasks/{task_id}/{position:int}/{filename:path}",
            answering(parts.storage.download),
            methods=["GET", "HEAD"],
        ),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: http_error})


def _open_table(parts: Parts) -> Table:
    """Return what needs no key."""
    account = AccountEndpoints(parts)
    return [
        ("GET", "/operations", account.list_operations),
        ("GET", "/convert/formats", account.list_operations),
    ]


def _keyed_table(parts: Parts) -> Table:
    jobs, tasks = JobEndpoints(parts), TaskEndpoints(parts)
    hooks, account = WebhookEndpoints(parts), AccountEndpoints(parts)
    return [
        ("POST", "/jobs", jobs.create),
        ("GET", "/jobs", jobs.list),
        ("GET", "/jobs/{id}", jobs.show),
        ("GET", "/jobs/{id}/wait", jobs.wait),
        ("DELETE", "/jobs/{id}", jobs.delete),
        ("GET", "/tasks", tasks.list),
        ("GET", "/tasks/{id}", tasks.show),
        ("GET", "/tasks/{id}/wait", tasks.wait),
        ("DELETE", "/tasks/{id}", tasks.delete),
        ("POST", "/tasks/{id}/cancel", tasks.cancel),
        ("POST", "/tasks/{id}/retry", tasks.retry),
        ("POST", "/webhooks", hooks.create),
        ("GET", "/webhooks", hooks.list),
        ("GET", "/users/me/webhooks", hooks.list),
        ("GET", "/webhooks/{id}", hooks.show),
        ("DELETE", "/webhooks/{id}", hooks.delete),
        ("GET", "/users/me", account.show),
        ("POST", CATCH_ALL, tasks.create),
    ]


def _keyed(parts: Parts, endpoint: Endpoint) -> Endpoint:
    """Let an endpoint answer only those who have the key; this comes before everything."""
    expected = f"Bearer {parts.settings.token}".encode()

    async def guarded(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, expected):
            raise Refusal(401, "UNAUTHENTICATED", "Unauthenticated.")
        return await endpoint(request)

    return guarded
