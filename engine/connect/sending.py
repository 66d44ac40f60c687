"""Sends single requests over a transport: what an httpx client does beyond that, we do not want.

No cookies, no redirects of its own, no proxy or credential from the environment or a URL.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Self

import httpx

from engine.connect.limits import Limits

USER_AGENT = f"fusion-runner/{version('fusion-runner')}"

_DEFAULTS = {"user-agent": USER_AGENT, "accept": "*/*", "accept-encoding": "gzip"}


class Sender:
    """One transport with the limits of its requests. An async context manager that closes it."""

    def __init__(self, transport: httpx.AsyncBaseTransport, limits: Limits) -> None:
        self._transport = transport
        self._timeouts = {
            "connect": limits.connect_seconds,
            "read": limits.read_seconds,
            "write": limits.write_seconds,
            "pool": limits.deadline_seconds,
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def send(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        content: bytes | httpx.AsyncByteStream | None = None,
    ) -> httpx.Response:
        """Return the open answer, whatever its status; the caller closes it.

        Of header names that differ in case only, the last one counts.
        Raises httpx's transport errors.
        """
        request = httpx.Request(
            method,
            url,
            headers={**_DEFAULTS, **{name.lower(): headers[name] for name in headers}},
            content=content,
            extensions={"timeout": self._timeouts},
        )
        response = await self._transport.handle_async_request(request)
        response.request = request
        return response
