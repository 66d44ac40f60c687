"""HTTP/1.1 answers as their bytes come: llhttp, Node's parser, reads them, and here is the rest.

Source: RFC 9110; RFC 9112, 6 and 9.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

HEAD_BYTES = 100 * 1024
"""Largest head of an answer, and most that may come between two pieces of its body."""

_INFORMATIONAL = range(100, 200)


@dataclass(slots=True)
class Head:
    """Status line and headers of an answer."""

    status: int = 0
    reason: bytes = b""
    version: str = "1.1"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class Answers:
    """What comes over one connection, answer after answer.

    Raises httpx.RemoteProtocolError for what is no HTTP, or too much of it.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._bodiless = False
        self._framed = False
        self._coming = Head()
        self._between = 0
        self.head: Head | None = None
        """The final head, informational ones do not count; None until it has come."""
        self.chunks: deque[bytes] = deque()
        """What has come of the body, and was not taken yet."""
        self.whole = True
        """No answer is due."""
        self.last = False
        """Nothing more can come over this connection, or more has come than belongs to it."""

    def begin(self, method: str) -> None:
        """Expect the answer to a request."""
        self._bodiless = method == "HEAD"
        self._coming = Head()
        self._between = 0
        self.head, self.whole = None, False

    def feed(self, data: bytes) -> None:
        self._between += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as error:
            raise httpx.RemoteProtocolError("it speaks another protocol") from error
        except HttpParserError as error:
            self.last = True
            if not self.whole:
                cause = error.__context__ or error
                raise httpx.RemoteProtocolError(f"not HTTP/1.1: {cause}") from error
        if self._between > HEAD_BYTES and not self.whole:
            raise httpx.RemoteProtocolError(f"more than {HEAD_BYTES} bytes without content")

    def end(self) -> None:
        """Take note that the other side has ended; an answer without a length is whole then."""
        self.last = True
        if self.whole:
            return
        if self.head is None or self._framed:
            what = "an answer" if self.head is None else "the end of its answer"
            raise httpx.RemoteProtocolError(f"closed without {what}")
        self.whole = True

    # What llhttp calls

    def on_message_begin(self) -> None:
        self.last = self.last or self.whole

    def on_status(self, reason: bytes) -> None:
        self._coming.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head is None:  # else it is a trailer
            self._coming.headers.append((name, value.strip()))

    def on_headers_complete(self) -> None:
        head, self._coming = self._coming, Head()
        head.status = self._parser.get_status_code()
        if self.whole or head.status in _INFORMATIONAL:
            return
        head.version = self._parser.get_http_version()
        self.head, self._between = head, 0
        self._framed = any(
            name.lower() in (b"content-length", b"transfer-encoding") for name, _ in head.headers
        )
        if self._bodiless:
            # The parser does not know the method and would wait for a body.
            self.whole = self.last = True

    def on_body(self, data: bytes) -> None:
        if not self.whole:
            self.chunks.append(data)
            self._between = 0

    def on_message_complete(self) -> None:
        if self.head is None or self.whole:
            return
        self.whole = True
        with suppress(HttpParserError):
            self.last = self.last or not self._parser.should_keep_alive()
