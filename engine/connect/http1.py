"""HTTP/1.1 as a client speaks it: a request's head as bytes, an answer's bytes as its parts. Pure.

Strict wherever a connection that is kept could lose step with its other side. In place of h11,
whose objects for one request and answer cost ten times as much. Source: RFC 9110, RFC 9112.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

import httpx

HEAD_BYTES = 100 * 1024
"""Largest head of an answer, largest line between its chunks, and largest trailer."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST = re.compile(rb"%b [!-~]+ HTTP/1\.1\r\n(?:%b: [^\r\n\0]*\r\n)+\r\n" % (_TOKEN, _TOKEN))
_STATUS = re.compile(rb"HTTP/(1\.[01]) ([1-9]\d\d)(?: ([^\r\n\0]*))?\r?\n")
_FIELD = re.compile(rb"(%b):([^\r\n\0]*)\r?\n" % _TOKEN)
_FIELDS = re.compile(rb"(?:%b:[^\r\n\0]*\r?\n)*\r?\n" % _TOKEN)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_END = re.compile(rb"\n\r?\n")
_LENGTH = re.compile(rb"\d{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?")


def head_of(request: httpx.Request) -> bytes:
    """Return the request line and the headers. Raises LocalProtocolError if they cannot be sent."""
    fields = b"".join([b"%b: %b\r\n" % field for field in request.headers.raw])
    method = request.method.encode("ascii", "replace")
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, request.url.raw_path, fields)
    # Lines are counted: a value with a line break in it could look like two good headers.
    if not _REQUEST.fullmatch(head) or head.count(b"\n") != len(request.headers.raw) + 2:
        raise httpx.LocalProtocolError("the request cannot be written as HTTP")
    return head


def length_of(request: httpx.Request) -> int | None:
    """Return how many bytes of body the request announces, None if it is sent in chunks."""
    if "transfer-encoding" in request.headers:
        return None
    return int(request.headers.get("content-length", "0"))


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer; header names as they were written."""

    version: bytes
    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]

    def values(self, name: bytes) -> list[bytes]:
        """Return all values of a header that is a list, in lower case."""
        found = [value for key, value in self.headers if key.lower() == name]
        return [part.strip().lower() for part in b",".join(found).split(b",")] if found else []


class _Stage(Enum):
    """Where in a chunked body its reader is."""

    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()


class Answers:
    """Reads the answers of one connection, one at a time. Raises RemoteProtocolError."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._over = False
        self._method = ""
        self._chunked = False
        self._stage = _Stage.SIZE
        self._trailer = 0
        self._left: int | None = 0
        """Bytes to come of the body, or of its chunk; None: all until the connection ends."""
        self.lasting = False
        """The other side leaves the connection open after this answer."""
        self.done = False
        """All of the answer has been given out."""

    def expect(self, method: str) -> None:
        """Begin the answer to a request."""
        self._method = method
        self.done = self.lasting = False

    def receive(self, data: bytes) -> None:
        self._buffer += data

    def end(self) -> None:
        """The other side sends no more."""
        self._over = True

    @property
    def in_step(self) -> bool:
        """Another answer may follow the one that has been read."""
        return self.done and self.lasting and not self._buffer and not self._over

    def head(self) -> Head | None:
        """Return the head of the final answer once it has come; announcements are skipped."""
        while (head := self._next_head()) is not None:
            if head.status == 101:
                raise httpx.RemoteProtocolError("another protocol, which nobody asked for")
            if head.status >= 200:
                self._frame(head)
                return head
        return None

    def piece(self) -> bytes:
        """Return what has come of the body, maybe nothing; then `done` says if that was the end."""
        if self.done:
            return b""
        if self._chunked:
            piece = self._from_chunks()
        else:
            piece = self._take()
            self.done = self._left == 0 or (self._left is None and self._over)
        if self._over and not piece and not self.done:
            raise httpx.RemoteProtocolError("the answer breaks off")
        return piece

    def _next_head(self) -> Head | None:
        found = _END.search(self._buffer, max(self._searched - 2, 0))
        self._searched = len(self._buffer)
        if (found.end() if found else self._searched) > HEAD_BYTES:
            raise httpx.RemoteProtocolError("the head of the answer is too large")
        if found is None:
            if self._over:
                told = "the answer breaks off" if self._buffer else "closed without an answer"
                raise httpx.RemoteProtocolError(told)
            return None
        raw = bytes(self._buffer[: found.end()])
        del self._buffer[: found.end()]
        self._searched = 0
        return _head_from(raw)

    def _frame(self, head: Head) -> None:
        """Settle where the body ends. Source: RFC 9112, 6.3."""
        lengths = set(head.values(b"content-length"))
        if len(lengths) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
            raise httpx.RemoteProtocolError("the answer has an unclear length")
        codings = head.values(b"transfer-encoding")
        if codings not in ([], [b"chunked"]):
            raise httpx.RemoteProtocolError("the answer has an unknown transfer coding")
        self.lasting = head.version == b"1.1" and b"close" not in head.values(b"connection")
        self._chunked = False
        if self._method == "HEAD" or head.status in (204, 304):
            self._left = 0
        elif codings:
            self._chunked, self._stage, self._left, self._trailer = True, _Stage.SIZE, 0, 0
            self.lasting = self.lasting and not lengths
        else:
            self._left = int(lengths.pop()) if lengths else None
            self.lasting = self.lasting and self._left is not None
        self.done = self._left == 0 and not self._chunked

    def _take(self) -> bytes:
        """Give out what has come of what is left of the body, or of its chunk."""
        if self._left is None or len(self._buffer) <= self._left:
            piece = bytes(self._buffer)
            self._buffer.clear()
        else:
            piece = bytes(self._buffer[: self._left])
            del self._buffer[: self._left]
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def _from_chunks(self) -> bytes:
        pieces: list[bytes] = []
        while not self.done:
            if self._stage is _Stage.DATA:
                pieces.append(self._take())
                if self._left:
                    break
                self._stage = _Stage.DATA_END
            elif (line := self._line()) is None:
                break
            else:
                self._between_chunks(line)
        return b"".join(pieces)

    def _between_chunks(self, line: bytes) -> None:
        match self._stage:
            case _Stage.SIZE:
                size = _CHUNK.fullmatch(line)
                if size is None:
                    raise httpx.RemoteProtocolError("the answer has a chunk without a size")
                self._left = int(size[1], 16)
                self._stage = _Stage.DATA if self._left else _Stage.TRAILER
            case _Stage.DATA_END:
                if line:
                    raise httpx.RemoteProtocolError("the answer has a chunk without an end")
                self._stage = _Stage.SIZE
            case _:
                self._trailer += len(line) + len(b"\r\n")
                if self._trailer > HEAD_BYTES:
                    raise httpx.RemoteProtocolError("the trailer of the answer is too large")
                self.done = not line

    def _line(self) -> bytes | None:
        """Return the next line without its end, None if it has not come."""
        end = self._buffer.find(b"\r\n", 0, HEAD_BYTES)
        if end < 0:
            if len(self._buffer) >= HEAD_BYTES:
                raise httpx.RemoteProtocolError("the answer has an endless line")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line


def _head_from(raw: bytes) -> Head:
    status = _STATUS.match(raw)
    if status is None:
        raise httpx.RemoteProtocolError("the answer is not HTTP")
    fields = raw[status.end() :]
    if b"\n " in fields or b"\n\t" in fields:
        fields = _FOLD.sub(b" ", fields)
    if not _FIELDS.fullmatch(fields):
        raise httpx.RemoteProtocolError("the answer has a header that is none")
    headers = [(name, value.strip(b" \t")) for name, value in _FIELD.findall(fields)]
    return Head(status[1], int(status[2]), status[3] or b"", headers)
