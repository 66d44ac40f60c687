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
from modules.cloudconvert.local.settings import SIGNED_URLS
from modules.cloudconvert.local.signed_urls import SignedUrls
from modules.cloudconvert.local.task_endpoints import TaskEndpoints
from modules.cloudconvert.local.webhook_endpoints import WebhookEndpoints

Table: TypeAlias = list[tuple[str, str, Endpoint]]
"""Method, path below the API's root, endpoint."""

KeyedTable: TypeAlias = list[tuple[str, str, str, Endpoint]]
"""The same with the scope that the key must have before the endpoint."""


def make_app(parts: Parts) -> Starlette:
    """Return the ASGI application."""
    keyed = [
        (method, path, _keyed(parts, scope, endpoint))
        for method, path, scope, endpoint in _keyed_table(parts)
    ]
    routes = [
        Route(prefix + path, answering(endpoint), methods=[method])
        for prefix in ("/v2", "/sync/v2")
        for method, path, endpoint in (*_open_table(parts), *keyed)
    ]
    signed_urls = SignedUrls(parts, parts.account_secret)
    routes += [
        Route(SIGNED_URLS, answering(signed_urls.open), methods=["GET"]),
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


def _keyed_table(parts: Parts) -> KeyedTable:
    """Source of the scopes: CloudConvert API v2, authentication."""
    jobs, tasks = JobEndpoints(parts), TaskEndpoints(parts)
    hooks, account = WebhookEndpoints(parts), AccountEndpoints(parts)
    return [
        ("POST", "/jobs", "task.write", _counted(parts, jobs.create)),
        ("GET", "/jobs", "task.read", jobs.list),
        ("GET", "/jobs/{id}", "task.read", jobs.show),
        ("GET", "/jobs/{id}/wait", "task.read", jobs.wait),
        ("DELETE", "/jobs/{id}", "task.write", jobs.delete),
        ("GET", "/tasks", "task.read", tasks.list),
        ("GET", "/tasks/{id}", "task.read", tasks.show),
        ("GET", "/tasks/{id}/wait", "task.read", tasks.wait),
        ("DELETE", "/tasks/{id}", "task.write", tasks.delete),
        ("POST", "/tasks/{id}/cancel", "task.write", tasks.cancel),
        ("POST", "/tasks/{id}/retry", "task.write", _counted(parts, tasks.retry)),
        ("POST", "/webhooks", "webhook.write", hooks.create),
        ("GET", "/webhooks", "webhook.read", hooks.list),
        ("GET", "/users/me/webhooks", "webhook.read", hooks.list),
        ("GET", "/webhooks/{id}", "webhook.read", hooks.show),
        ("DELETE", "/webhooks/{id}", "webhook.write", hooks.delete),
        ("GET", "/users/me", "user.read", account.show),
        ("POST", CATCH_ALL, "task.write", _counted(parts, tasks.create)),
    ]


def _keyed(parts: Parts, scope: str, endpoint: Endpoint) -> Endpoint:
    """Let an endpoint answer only those who have the key; this comes before everything."""
    expected = f"Bearer {parts.settings.token}".encode()

    async def guarded(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, expected):
            raise Refusal(401, "UNAUTHENTICATED", "Unauthenticated.")
        parts.account.check_scope(scope)
        return await endpoint(request)

    return guarded


def _counted(parts: Parts, endpoint: Endpoint) -> Endpoint:
    """Count requests that create something; each answer tells how many more may come."""

    async def counted(request: Request) -> Response:
        left = parts.account.count_creation()
        try:
            reply = await endpoint(request)
        except Refusal as refusal:
            refusal.headers.update(left)
            raise
        reply.headers.update(left)
        return reply

    return counted
