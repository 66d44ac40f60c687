"""The guarded fetch under attack: security rules H1 to H3."""

import asyncio
import gzip
import threading
from collections.abc import Sequence

import httpx
import pytest
from wire import dripping, sends, serving

from engine.connect.addresses import AddressRules
from engine.connect.fetch import GuardedFetch, guarded_fetch
from engine.connect.limits import Limits
from engine.errors import (
    DataError,
    MaxFileSizeExceededError,
    ModuleTimeoutError,
    ServiceConnectionError,
)
from engine.module import Fetch

PUBLIC = "93.184.216.34"


class Network:
    """Name look-ups and a network that notes where it was asked to connect."""

    def __init__(self, *answers: Sequence[str], response: httpx.Response | None = None) -> None:
        self.answers = list(answers)
        self.response = response or httpx.Response(200, content=b"ok")
        self.looked_up: list[str] = []
        self.connected: list[httpx.Request] = []

    async def resolve(self, host: str, _port: int) -> Sequence[str]:
        self.looked_up.append(host)
        return self.answers[min(len(self.looked_up), len(self.answers)) - 1]

    def transport(self) -> httpx.AsyncBaseTransport:
        def handler(request: httpx.Request) -> httpx.Response:
            self.connected.append(request)
            return self.response

        return httpx.MockTransport(handler)

    def fetch(self, rules: AddressRules | None = None) -> Fetch:
        return GuardedFetch(rules or AddressRules(), resolve=self.resolve, transport=self.transport)


async def read(fetch: Fetch, url: str, max_bytes: int | None = None) -> bytes:
    async with fetch(url, max_bytes=max_bytes) as got:
        return b"".join([chunk async for chunk in got.chunks])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:7f00:1]/",
        "http://[::7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fec0::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://172.16.0.1/",
        "http://100.64.0.1/",
        "http://192.0.0.192/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://user@example.test/",
        "http://user:word@example.test/",
        "http://example.test:22/",
        "http://example.test:8080/",
        "http://exa_mple.test/",
        "http://-example.test/",
        "http://exa%6dple.test:99/",
        "http://example.test\\@10.0.0.1/",
        "ftp://example.test/",
        "file:///etc/passwd",
        "gopher://example.test/",
        "//example.test/",
        "http:///path",
        "http://",
        "",
        "http://[::1",
        "http://example.test:99999/",
    ],
)
async def test_an_address_that_is_not_allowed_is_refused_without_a_connection(url: str) -> None:
    network = Network([PUBLIC])
    with pytest.raises(DataError):
        await read(network.fetch(), url)
    assert network.connected == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        [PUBLIC, "::1"],
        ["::ffff:10.0.0.1"],
        ["169.254.169.254"],
        ["2606:2800:220:1::1", "fd00::1"],
    ],
)
async def test_a_name_is_refused_if_any_of_its_addresses_is_not_allowed(
    addresses: list[str],
) -> None:
    network = Network(addresses)
    with pytest.raises(DataError, match="not allowed"):
        await read(network.fetch(), "https://example.test/")
    assert network.connected == []


async def test_a_name_is_looked_up_once_and_connected_at_the_checked_address() -> None:
    network = Network([PUBLIC], ["127.0.0.1"])
    assert await read(network.fetch(), "https://example.test/a?b=c") == b"ok"
    assert network.looked_up == ["example.test"]
    request = network.connected[0]
    assert str(request.url) == f"https://{PUBLIC}/a?b=c"
    assert request.headers["host"] == "example.test"
    assert request.extensions["sni_hostname"] == "example.test"


async def test_the_next_address_is_tried_if_one_refuses() -> None:
    network = Network([PUBLIC, "2606:2800:220:1::1"])

    def handler(request: httpx.Request) -> httpx.Response:
        network.connected.append(request)
        if request.url.host == PUBLIC:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, content=b"second")

    fetch = GuardedFetch(
        AddressRules(), resolve=network.resolve, transport=lambda: httpx.MockTransport(handler)
    )
    assert await read(fetch, "http://example.test/") == b"second"
    assert [request.url.host for request in network.connected] == [PUBLIC, "2606:2800:220:1::1"]


async def test_a_name_in_other_letters_is_looked_up_in_ascii() -> None:
    network = Network([PUBLIC])
    await read(network.fetch(), "http://bücher.example.test/")
    assert network.looked_up == ["xn--bcher-kva.example.test"]


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/",
        "file:///etc/passwd",
        "http://[::1]/",
        "http://example.test:22/",
        "//127.0.0.1/",
    ],
)
async def test_a_redirect_is_checked_like_the_first_address(location: str) -> None:
    network = Network([PUBLIC], response=httpx.Response(302, headers={"location": location}))
    with pytest.raises(DataError):
        await read(network.fetch(), "https://example.test/")
    assert len(network.connected) == 1


async def test_a_redirect_to_a_name_is_looked_up_and_checked_anew() -> None:
    moved = httpx.Response(302, headers={"location": "/again"})
    network = Network([PUBLIC], ["127.0.0.1"], response=moved)
    with pytest.raises(DataError, match="not allowed"):
        await read(network.fetch(), "https://example.test/")
    assert len(network.connected) == 1


async def test_a_redirect_loop_ends_after_five_hops() -> None:
    network = Network([PUBLIC], response=httpx.Response(302, headers={"location": "/"}))
    with pytest.raises(ServiceConnectionError, match="redirects"):
        await read(network.fetch(), "https://example.test/")
    assert len(network.connected) == 6


async def test_private_networks_open_by_the_operators_word_but_never_metadata() -> None:
    rules = AddressRules(allow_private_networks=True)
    assert await read(Network(["10.0.0.1"]).fetch(rules), "http://intranet.test/") == b"ok"
    for address in ("169.254.169.254", "224.0.0.1", "0.0.0.0", "::"):  # noqa: S104 - an attack
        with pytest.raises(DataError):
            await read(Network([address]).fetch(rules), "http://intranet.test/")


async def test_an_error_status_is_a_data_error() -> None:
    network = Network([PUBLIC], response=httpx.Response(404))
    with pytest.raises(DataError, match="HTTP 404"):
        await read(network.fetch(), "https://example.test/")


async def test_a_name_that_does_not_exist_is_a_connection_error() -> None:
    with pytest.raises(ServiceConnectionError, match="cannot be found"):
        await read(guarded_fetch(), f"http://{'a' * 64}.test/")


def local(port: int, limits: Limits = Limits(deadline_seconds=0.3)) -> Fetch:  # noqa: B008 - frozen
    return GuardedFetch(AddressRules(allow_private_networks=True, allowed_ports=[port]), limits)


async def test_a_small_packed_body_that_is_large_unpacked_is_stopped() -> None:
    packed = gzip.compress(bytes(30_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with serving(sends(head.encode() + packed)) as wire:
        with pytest.raises(MaxFileSizeExceededError):
            await read(local(wire.port, Limits()), wire.url, max_bytes=1_000_000)


async def test_unpacking_yields_bounded_pieces() -> None:
    packed = gzip.compress(bytes(30_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with (
        serving(sends(head.encode() + packed)) as wire,
        local(wire.port, Limits())(wire.url) as got,
    ):
        sizes = [len(chunk) async for chunk in got.chunks]
    assert sum(sizes) == 30_000_000
    assert max(sizes) <= 256 * 1024


async def test_an_announced_size_past_the_limit_is_refused_before_reading() -> None:
    content = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
    async with serving(sends(content)) as wire:
        with pytest.raises(MaxFileSizeExceededError):
            await read(local(wire.port), wire.url, max_bytes=10)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_a_drip_ends_at_the_deadline_wherever_it_drips(head: bytes) -> None:
    async with serving(dripping(head)) as wire:
        with pytest.raises((ModuleTimeoutError, ServiceConnectionError)):
            await read(local(wire.port), wire.url)


async def test_a_packing_that_was_not_asked_for_is_refused() -> None:
    content = b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 1\r\n\r\nx"
    async with serving(sends(content)) as wire:
        with pytest.raises(DataError, match="zstd"):
            await read(local(wire.port), wire.url)


async def test_the_environments_proxy_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with serving(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")) as wire:
        assert await read(local(wire.port), wire.url) == b"hi"


async def test_one_fetch_serves_event_loops_of_several_threads() -> None:
    async with serving(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")) as wire:
        fetch = local(wire.port, Limits())
        found: list[bytes] = []
        thread = threading.Thread(target=lambda: found.append(asyncio.run(read(fetch, wire.url))))
        thread.start()
        found.append(await read(fetch, wire.url))
        await asyncio.to_thread(thread.join)
    assert found == [b"hi", b"hi"]


async def test_private_networks_are_reached_on_any_port_once_they_are_allowed() -> None:
    async with serving(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")) as wire:
        assert await read(guarded_fetch(allow_private_networks=True), wire.url) == b"hi"
        with pytest.raises(DataError, match="port"):
            await read(guarded_fetch(), wire.url)


# POST


async def test_content_is_posted_to_the_checked_address_and_the_status_comes_back() -> None:
    network = Network([PUBLIC], response=httpx.Response(503))
    status = await network.fetch().post("https://example.test/hook", b"{}", headers={"X-A": "b"})
    assert status == 503
    [request] = network.connected
    assert (request.method, str(request.url)) == ("POST", f"https://{PUBLIC}/hook")
    assert (request.headers["host"], request.headers["x-a"]) == ("example.test", "b")
    assert await request.aread() == b"{}"


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::ffff:7f00:1]:80/", "file:///a"])
async def test_a_post_is_refused_where_a_get_is(url: str) -> None:
    network = Network([PUBLIC], ["127.0.0.1"])
    with pytest.raises(DataError):
        await network.fetch().post(url, b"{}")
    assert network.connected == []


async def test_a_posts_name_is_looked_up_once_and_all_its_addresses_are_checked() -> None:
    network = Network([PUBLIC, "10.0.0.1"])
    with pytest.raises(DataError, match="not allowed"):
        await network.fetch().post("https://example.test/", b"{}")
    assert network.connected == []


async def test_a_post_follows_no_redirect() -> None:
    moved = httpx.Response(307, headers={"location": "http://127.0.0.1/"})
    network = Network([PUBLIC], response=moved)
    assert await network.fetch().post("https://example.test/", b"{}") == 307
    assert len(network.connected) == 1


async def test_our_own_hook_is_reached_by_post_only_and_nothing_beside_it() -> None:
    async with serving(sends(b"HTTP/1.1 204 No Content\r\n\r\n")) as wire:
        fetch = guarded_fetch(hook_origins=[wire.url])
        assert await fetch.post(f"{wire.url}/hooks/a", b"{}") == 204
        assert wire.asked[0].body == b"{}"
        with pytest.raises(DataError, match="not allowed"):
            await read(fetch, wire.url)
        for other in ("http://127.0.0.1:1/", f"https://127.0.0.1:{wire.port}/"):
            with pytest.raises(DataError, match="not allowed"):
                await fetch.post(other, b"{}")
        with pytest.raises(DataError, match="user name"):
            await fetch.post(wire.url.replace("127", "me@127"), b"{}")
    assert len(wire.asked) == 1


async def test_a_hook_that_is_not_there_or_drips_is_a_typed_error() -> None:
    async with serving(dripping(b"HTTP/1.1 200 OK\r\nX-A: ")) as wire:
        with pytest.raises((ModuleTimeoutError, ServiceConnectionError)):
            await local(wire.port).post(wire.url, b"{}")
    with pytest.raises(ServiceConnectionError):
        await local(wire.port).post(wire.url, b"{}")
