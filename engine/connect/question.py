"""The bytes of an HTTP/1.1 request. Raises httpx.LocalProtocolError for what must not be sent.

Source: RFC 9110, 5; RFC 9112, 3, 6 and 7.1.
"""

import re
from collections.abc import AsyncIterator

import httpx

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(rb"[\x21-\x7e]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


def sent(request: httpx.Request) -> AsyncIterator[bytes]:
    """Yield what goes over the wire, the head first, together with the first piece of the body."""
    assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - of an async client
    length = request.headers.get("content-length")
    if length is None and "transfer-encoding" in request.headers:
        return _in_chunks(_head(request), request.stream)
    return _measured(_head(request), request.stream, int(length or 0))


async def _in_chunks(out: bytes, stream: httpx.AsyncByteStream) -> AsyncIterator[bytes]:
    async for chunk in stream:
        if chunk:  # an empty one would be the end
            yield out + b"%x\r\n%b\r\n" % (len(chunk), chunk)
            out = b""
    yield out + b"0\r\n\r\n"


async def _measured(
    out: bytes, stream: httpx.AsyncByteStream, missing: int
) -> AsyncIterator[bytes]:
    async for chunk in stream:
        missing -= len(chunk)
        if missing < 0:
            raise httpx.LocalProtocolError("content is longer than announced")
        if chunk:
            yield out + chunk
            out = b""
    if missing:
        raise httpx.LocalProtocolError("content is shorter than announced")
    if out:
        yield out


def _head(request: httpx.Request) -> bytes:
    method, target = request.method.encode(), request.url.raw_path
    if not (_TOKEN.fullmatch(method) and _TARGET.fullmatch(target)):
        raise httpx.LocalProtocolError("a method or path that cannot be sent")
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    for name, value in request.headers.raw:
        if not (_TOKEN.fullmatch(name) and _VALUE.fullmatch(value)):
            raise httpx.LocalProtocolError(f"a header that cannot be sent: {name[:80]!r}")
        lines.append(b"%b: %b" % (name, value))
    return b"\r\n".join([*lines, b"", b""])
