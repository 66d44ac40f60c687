"""Speaks to a Chromium over two pipes, in its DevTools protocol: JSON, each ended by a null byte.

Source: Chrome DevTools Protocol; Chromium's switch `--remote-debugging-pipe`.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from modules.cloudconvert.local.engines.talk import Failure

MESSAGE_BYTES = 512 << 20
"""Longest message: a picture of a page."""

OnEvent = Callable[[str, dict[str, Any], str], None]
"""Takes an event's name, its content, and the session that it belongs to."""


class Refused(Exception):  # noqa: N818 - an answer of the browser
    """The browser says that it cannot do what was asked."""


@dataclass(slots=True)
class Browser:
    """A browser at the other end."""

    reader: asyncio.StreamReader
    writer: asyncio.WriteTransport
    on_event: OnEvent = lambda _name, _event, _session: None
    _asked: dict[int, "asyncio.Future[dict[str, Any]]"] = field(default_factory=dict)
    _count: int = 0

    def send(
        self, method: str, session: str | None = None, **parameters: Any
    ) -> "asyncio.Future[dict[str, Any]]":
        """Ask for something; the answer comes in the future."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[self._count] = answer
        self.writer.write(json.dumps(message).encode() + b"\0")
        return answer

    async def listen(self) -> None:
        """Take in what the browser says until it ends. Raises Failure then."""
        try:
            while True:
                text = await self.reader.readuntil(b"\0")
                self._take(json.loads(text[:-1]))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Failure("CONVERSION_FAILED", "The browser ended") from error

    def _take(self, said: dict[str, Any]) -> None:
        if "id" not in said:
            session = str(said.get("sessionId", ""))
            self.on_event(str(said.get("method")), said.get("params") or {}, session)
            return
        answer = self._asked.pop(said["id"], None)
        if answer is None or answer.done():
            return
        if "error" in said:
            answer.set_exception(Refused(str(said["error"].get("message"))))
        else:
            answer.set_result(said.get("result") or {})
