"""Hooks over HTTP: what is refused before anybody looks into it, and senders that dawdle."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from engine.errors import SetupError
from engine.module import HookRequest
from engine.web.hooks import HookLimits, hook_app
from engine.web.hosting import hosted, listening, origin_of

KEY = "k" * 43
PATH = f"/hooks/{KEY}"
JSON = {"content-type": "application/json"}


@dataclass
class Ledger:
    """A receiver that takes everything."""

    taken: list[HookRequest] = field(default_factory=list)

    def knows(self, key: str) -> bool:
        return key == KEY

    async def receive(self, key: str, request: HookRequest) -> tuple[int, str]:
        self.taken.append(request)
        return 200, "Accepted"


@dataclass
class Watch:
    """Time that a test sets."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def http(ledger: Ledger, watch: Watch) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(hook_app(ledger, watch))
    async with httpx.AsyncClient(transport=transport, base_url="http://hooks.test") as client:
        yield client


async def test_a_request_comes_through_as_it_was_sent(
    http: httpx.AsyncClient, ledger: Ledger
) -> None:
    body = b'{"a":  "x\\/y"}'
    headers = {**JSON, "X-Signature": "ABC"}
    reply = await http.post(PATH, content=body, headers=headers)
    assert (reply.status_code, reply.json()) == (200, {"message": "Accepted"})
    [request] = ledger.taken
    assert request.body == body
    assert request.headers["x-signature"] == "ABC"


async def test_a_proxy_may_put_a_path_in_front(http: httpx.AsyncClient, ledger: Ledger) -> None:
    assert (await http.post(f"/fusion{PATH}", json={})).status_code == 200
    assert len(ledger.taken) == 1


@pytest.mark.parametrize(
    "path", ["/", "/hooks", "/hooks/", "/hooks/other", f"/{KEY}", f"/nohooks/{KEY}", f"{PATH}/more"]
)
async def test_whoever_does_not_know_the_path_finds_nothing(
    http: httpx.AsyncClient, ledger: Ledger, path: str
) -> None:
    assert (await http.post(path, json={})).status_code == 404
    assert not ledger.taken


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_hook_is_only_posted_to(http: httpx.AsyncClient, method: str) -> None:
    assert (await http.request(method, PATH)).status_code == 405


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/json; boundary=x",
        "application/jsonp",
        "text/json",
        "application/problem+json",
    ],
)
async def test_only_json_is_taken(http: httpx.AsyncClient, ledger: Ledger, kind: str) -> None:
    reply = await http.post(PATH, content=b"{}", headers={"content-type": kind} if kind else {})
    assert reply.status_code == 415
    assert not ledger.taken


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=UTF-8",
        "application/json;",
    ],
)
async def test_json_may_say_that_it_is_utf_8(http: httpx.AsyncClient, kind: str) -> None:
    assert (await http.post(PATH, content=b"{}", headers={"content-type": kind})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b'{"a":1}{}',
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 5000 + b"}" * 5000,
    ],
)
async def test_what_is_no_json_or_too_deep_is_refused(
    http: httpx.AsyncClient, ledger: Ledger, body: bytes
) -> None:
    assert (await http.post(PATH, content=body, headers=JSON)).status_code == 400
    assert not ledger.taken


async def test_json_may_be_nested_within_reason(http: httpx.AsyncClient) -> None:
    body = b"[" * 64 + b"]" * 64
    assert (await http.post(PATH, content=body, headers=JSON)).status_code == 200


async def test_five_megabytes_are_taken_and_not_one_byte_more(
    http: httpx.AsyncClient, ledger: Ledger
) -> None:
    fits = b'"' + b"x" * (5_000_000 - 2) + b'"'

    async def streamed() -> AsyncIterator[bytes]:
        for start in range(0, len(fits), 1 << 20):
            yield fits[start : start + (1 << 20)]
        yield b" "

    assert (await http.post(PATH, content=fits, headers=JSON)).status_code == 200
    assert (await http.post(PATH, content=fits + b" ", headers=JSON)).status_code == 413
    assert (await http.post(PATH, content=streamed(), headers=JSON)).status_code == 413
    assert len(ledger.taken) == 1


async def test_a_hundred_requests_a_second_are_taken_and_then_429(
    http: httpx.AsyncClient, ledger: Ledger, watch: Watch
) -> None:
    statuses = [(await http.post(PATH, json={})).status_code for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    reply = await http.post(PATH, json={})
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")
    watch.seconds += 0.999
    assert (await http.post(PATH, json={})).status_code == 429
    watch.seconds += 0.001
    assert (await http.post(PATH, json={})).status_code == 200
    assert len(ledger.taken) == 101


async def test_unknown_paths_cost_no_hook_its_rate(http: httpx.AsyncClient) -> None:
    for _ in range(150):
        await http.post("/hooks/other", json={})
    assert (await http.post(PATH, json={})).status_code == 200


async def exchange(origin: str, sent: bytes) -> bytes:
    """Send bytes, and return all that comes until the other side closes."""
    host, port = origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    async with asyncio.timeout(30):
        received = await reader.read()
    writer.close()
    return received


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"P",
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\n",
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
        b"Content-Type: application/json\r\n\r\n{}POST /",
    ],
)
async def test_a_head_that_does_not_come_is_not_waited_for(ledger: Ledger, head: bytes) -> None:
    loop = asyncio.get_running_loop()
    with listening("127.0.0.1", 0) as taken:
        async with hosted(hook_app(ledger, loop.time), taken, head_seconds=0.1):
            received = await exchange(origin_of(taken), head)
    assert received.startswith(b"HTTP/1.1 200" if b"{}" in head else b"")


async def test_a_body_that_drips_is_cut_off(ledger: Ledger) -> None:
    loop, limits = asyncio.get_running_loop(), HookLimits(body_seconds=0.1)
    head = (
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        b"Content-Type: application/json\r\n\r\n{"
    )
    with listening("127.0.0.1", 0) as taken:
        async with hosted(hook_app(ledger, loop.time, limits), taken):
            received = await exchange(origin_of(taken), head)
    assert received.startswith(b"HTTP/1.1 408")
    assert not ledger.taken


async def test_a_head_without_end_is_refused(ledger: Ledger) -> None:
    loop = asyncio.get_running_loop()
    head = b"POST / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"y" * 40_000
    with listening("127.0.0.1", 0) as taken:
        async with hosted(hook_app(ledger, loop.time), taken, head_seconds=5):
            received = await exchange(origin_of(taken), head)
    assert received.startswith(b"HTTP/1.1 4")


async def test_an_address_that_is_taken_is_told() -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"port {port}"), listening("127.0.0.1", port):
            pass


@pytest.mark.parametrize(
    ("host", "origin"),
    [("0.0.0.0", "http://127.0.0.1:"), ("127.0.0.1", "http://127.0.0.1:")],  # noqa: S104
)
def test_what_listens_everywhere_is_reached_by_loopback(host: str, origin: str) -> None:
    with listening(host, 0) as taken:
        assert origin_of(taken) == f"{origin}{taken.getsockname()[1]}"


def test_an_address_of_version_6_has_brackets() -> None:
    class Taken(socket.socket):
        def getsockname(self) -> Any:
            return ("::", 80, 0, 0)

    with Taken() as taken:
        assert origin_of(taken) == "http://[::1]:80"
