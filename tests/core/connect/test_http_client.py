"""What the client makes of answers: errors by status, waits, repeats, and where credentials go."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import httpx
import pytest
from clocks import StandingClock, never

from engine.connect.client import HttpClient
from engine.connect.limits import LIMITS, Limits
from engine.errors import (
    DataError,
    DuplicateDataError,
    InvalidAccessTokenError,
    ModuleError,
    ModuleTimeoutError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Connection

KEY = "a-long-and-secret-key"
Handler = Callable[[httpx.Request], httpx.Response]


def client(
    handler: Handler,
    clock: StandingClock | None = None,
    *,
    raises: Mapping[int, type[ModuleError]] | None = None,
    limits: Limits = LIMITS,
    chance: Callable[[], float] = never,
) -> HttpClient:
    return HttpClient(
        Connection("https://api.example.test/v2", KEY),
        clock=clock or StandingClock(),
        raises=raises or {},
        limits=limits,
        transport=httpx.MockTransport(handler),
        chance=chance,
    )


def answers(*responses: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    """Return a handler that gives these one after the other, the last one for ever."""
    asked: list[httpx.Request] = []
    left: Iterator[httpx.Response | Exception] = iter(responses)
    last: list[httpx.Response | Exception] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        last[:] = [next(left, last[0] if last else httpx.Response(500))]
        if isinstance(last[0], Exception):
            raise last[0]
        old = last[0]
        return httpx.Response(old.status_code, headers=old.headers, content=old.content)

    return handler, asked


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, DataError),
        (401, InvalidAccessTokenError),
        (402, DataError),
        (403, InvalidAccessTokenError),
        (404, DataError),
        (409, DataError),
        (413, DataError),
        (422, DataError),
        (500, ServiceConnectionError),
        (502, ServiceConnectionError),
        (503, ServiceConnectionError),
        (304, ServiceConnectionError),
    ],
)
async def test_a_status_becomes_the_error_type_of_the_table(
    status: int, kind: type[ModuleError]
) -> None:
    handler, _ = answers(httpx.Response(status))
    with pytest.raises(kind) as caught:
        await client(handler).request("POST", "/jobs", json={})
    assert type(caught.value) is kind
    assert caught.value.detail["status"] == status


async def test_the_connectors_table_overrides_the_default() -> None:
    handler, _ = answers(httpx.Response(409))
    with pytest.raises(DuplicateDataError):
        await client(handler, raises={409: DuplicateDataError}).request("POST", "/jobs")


async def test_an_accepted_status_is_returned() -> None:
    handler, _ = answers(httpx.Response(404, json={"code": "NOT_FOUND"}))
    reply = await client(handler).request("GET", "/jobs/1", accept=(404,))
    assert (reply.status, reply.body) == (404, {"code": "NOT_FOUND"})


async def test_field_messages_of_a_refusal_are_shown_flat() -> None:
    errors = {"tasks": {"convert": {"output_format": ["is required", "is odd"]}}}
    body = {"message": "The given data was invalid.", "code": "INVALID_DATA", "errors": errors}
    handler, _ = answers(httpx.Response(422, json=body))
    with pytest.raises(DataError) as caught:
        await client(handler).request("POST", "/jobs")
    assert "tasks.convert.output_format: is required" in caught.value.message
    assert caught.value.detail == {"status": 422, "code": "INVALID_DATA", "errors": errors}


XML = b"""<?xml version="1.0"?>
<Error><Code>EntityTooLarge</Code><Message>Too much &amp; more\x1b</Message>
<StringToSign>the-signed-text</StringToSign><MaxSizeAllowed>9</MaxSizeAllowed></Error>"""


async def test_the_words_of_storage_that_refuses_are_shown_and_nothing_else_of_it() -> None:
    refused = httpx.Response(400, content=XML, headers={"content-type": "application/xml"})
    with pytest.raises(DataError) as caught:
        async with client(answers(refused)[0]).download("https://files.example.test/a?s=1"):
            pass
    asked = "GET https://files.example.test/a"
    assert caught.value.message == f"{asked}: Too much & more\\x1b [HTTP 400]"
    assert caught.value.detail == {"status": 400, "code": "EntityTooLarge"}


async def test_a_page_that_only_looks_like_it_says_nothing() -> None:
    for kind, content in (("text/html", XML), ("application/xml", b"<Error><Code>")):
        refused = httpx.Response(400, content=content, headers={"content-type": kind})
        with pytest.raises(DataError, match=r": HTTP 400 Bad Request$"):
            async with client(answers(refused)[0]).download("https://files.example.test/a"):
                pass


async def test_a_field_message_that_only_repeats_the_message_is_told_once() -> None:
    said = "The engine is missing."
    handler, _ = answers(httpx.Response(422, json={"message": said, "errors": {"a": [said]}}))
    with pytest.raises(DataError) as caught:
        await client(handler).request("POST", "/jobs")
    assert caught.value.message.count(said) == 1


async def test_field_messages_alone_are_told() -> None:
    handler, _ = answers(httpx.Response(422, json={"errors": {"a": ["is odd"]}}))
    with pytest.raises(DataError, match="a: is odd"):
        await client(handler).request("POST", "/jobs")


async def test_a_services_text_is_cut_and_its_control_characters_are_escaped() -> None:
    handler, _ = answers(httpx.Response(400, json={"message": "\x1b[31mred\u202e" + "x" * 5000}))
    with pytest.raises(DataError) as caught:
        await client(handler).request("GET", "/jobs")
    assert "\\x1b[31mred" in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 700


async def test_neither_the_key_nor_a_signed_query_stands_in_an_error() -> None:
    handler, _ = answers(
        httpx.Response(401, json={"message": f"bad key {KEY}", "errors": {"k": KEY}})
    )
    with pytest.raises(InvalidAccessTokenError) as caught:
        await client(handler).request("GET", "/jobs?signature=abcdef")
    assert KEY not in caught.value.message + str(caught.value.detail)
    assert "abcdef" not in caught.value.message


async def test_an_html_page_of_an_outage_is_a_connection_error_without_its_text() -> None:
    handler, _ = answers(httpx.Response(500, html="<html><body>oops</body></html>"))
    with pytest.raises(ServiceConnectionError, match="HTTP 500 Internal Server Error"):
        await client(handler).request("GET", "/jobs")


@pytest.mark.parametrize("content", [b'{"data": {"id": "a", "sta', b"[" * 100_000, b"not json"])
async def test_an_answer_that_is_not_whole_json_is_a_data_error(content: bytes) -> None:
    response = httpx.Response(200, content=content, headers={"content-type": "application/json"})
    handler, _ = answers(response)
    with pytest.raises(DataError, match="not whole JSON") as caught:
        await client(handler).request("GET", "/jobs")
    assert caught.value.detail["answer"] == "unreadable"


@pytest.mark.parametrize(
    "content", [b'{"message": "odd \xff byte"}', b'{"message": "odd \\ud800"}']
)
async def test_odd_bytes_in_a_text_do_not_make_the_answer_unreadable(content: bytes) -> None:
    response = httpx.Response(200, content=content, headers={"content-type": "application/json"})
    handler, _ = answers(response)
    reply = await client(handler).request("GET", "/jobs")
    assert reply.body["message"].startswith("odd ")
    reply.body["message"].encode()


async def test_text_comes_back_as_text_and_nothing_as_none() -> None:
    handler, _ = answers(httpx.Response(200, text="hello"), httpx.Response(204))
    http = client(handler)
    assert (await http.request("GET", "/a")).body == "hello"
    assert (await http.request("DELETE", "/a")).body is None


async def test_an_answer_past_the_limit_is_a_data_error() -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    stream = httpx.ByteStream(gzip.compress(b" " * 5_000_000))
    http = client(
        lambda _request: httpx.Response(200, stream=stream, headers=headers),
        limits=Limits(answer_bytes=1_000_000),
    )
    with pytest.raises(DataError, match="larger than 1000000 bytes"):
        await http.request("GET", "/jobs")


async def test_a_rate_limit_is_waited_for_and_then_the_request_succeeds() -> None:
    clock = StandingClock()
    handler, asked = answers(
        httpx.Response(429, headers={"retry-after": "7"}), httpx.Response(201, json={"data": 1})
    )
    reply = await client(handler, clock).request("POST", "/jobs", json={})
    assert reply.status == 201
    assert len(asked) == 2
    assert clock.slept == [7]


async def test_a_date_says_how_long_to_wait_too() -> None:
    clock = StandingClock()
    after = {"retry-after": "Mon, 04 May 2026 12:00:09 GMT"}
    handler, _ = answers(httpx.Response(429, headers=after), httpx.Response(200))
    await client(handler, clock).request("GET", "/jobs")
    assert clock.slept == [9]


async def test_a_rate_limit_that_stays_ends_in_a_rate_limit_error_inside_the_deadline() -> None:
    clock = StandingClock()
    handler, _ = answers(httpx.Response(429, headers={"retry-after": "20"}))
    with pytest.raises(RateLimitError) as caught:
        await client(handler, clock).request("POST", "/jobs")
    assert caught.value.retry_after == timedelta(seconds=20)
    assert clock.seconds < LIMITS.deadline_seconds


@pytest.mark.parametrize("text", ["999999999", "9" * 400, "-5", "soon", "", "Mon, 32 Foo 2026"])
async def test_an_absurd_retry_after_never_sleeps_past_the_deadline(text: str) -> None:
    clock = StandingClock()
    handler, _ = answers(httpx.Response(429, headers={"retry-after": text}))
    with pytest.raises(RateLimitError):
        await client(handler, clock).request("POST", "/jobs")
    assert clock.seconds < LIMITS.deadline_seconds


async def test_a_refused_connection_is_tried_again_and_then_a_connection_error() -> None:
    clock = StandingClock()
    handler, asked = answers(httpx.ConnectError("refused"))
    with pytest.raises(ServiceConnectionError, match="cannot connect") as caught:
        await client(handler, clock).request("POST", "/jobs")
    assert len(asked) == 4
    assert clock.slept == [0.5, 1, 2]
    assert caught.value.detail == {"sent": False}


async def test_waits_before_a_repeat_are_longer_by_chance_and_never_shorter() -> None:
    clock = StandingClock()
    limited = httpx.Response(429, headers={"retry-after": "8"})
    handler, _ = answers(httpx.ConnectError("refused"), limited, httpx.Response(200))
    await client(handler, clock, chance=lambda: 1.0).request("POST", "/jobs")
    assert clock.slept == [0.5 * 1.25, 8 * 1.25]


async def test_a_post_whose_connection_breaks_is_not_repeated() -> None:
    handler, asked = answers(httpx.ReadError("reset"))
    with pytest.raises(ServiceConnectionError, match="connection broken") as caught:
        await client(handler).request("POST", "/jobs")
    assert len(asked) == 1
    assert "sent" not in caught.value.detail


@pytest.mark.parametrize("passing", [httpx.Response(503), httpx.ReadError("reset")])
async def test_a_get_is_repeated_through_a_passing_fault(
    passing: httpx.Response | Exception,
) -> None:
    handler, asked = answers(passing, passing, httpx.Response(200, json=[]))
    assert (await client(handler).request("GET", "/jobs")).body == []
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("after", "slept"), [("20", [20]), ("0", [0.5]), ("soon", [0.5]), ("999999999", [])]
)
async def test_a_service_in_maintenance_says_when_to_come_again(
    after: str, slept: list[float]
) -> None:
    clock = StandingClock()
    down = httpx.Response(503, headers={"retry-after": after})
    handler, _ = answers(down, httpx.Response(200, json=[]))
    if slept:
        await client(handler, clock).request("GET", "/jobs")
    else:
        with pytest.raises(ServiceConnectionError):
            await client(handler, clock).request("GET", "/jobs")
    assert clock.slept == slept


async def test_a_read_timeout_is_a_module_timeout_error_and_is_not_repeated() -> None:
    handler, asked = answers(httpx.ReadTimeout("slow"))
    with pytest.raises(ModuleTimeoutError):
        await client(handler).request("GET", "/jobs")
    assert len(asked) == 1


async def test_the_credential_goes_to_the_services_origin_only() -> None:
    seen: dict[str, str | None] = {}

    def handler(request: httpx.Request) -> httpx.Response:
        seen[str(request.url)] = request.headers.get("authorization")
        if request.url.path == "/v2/jobs/1":
            return httpx.Response(302, headers={"location": "https://files.example.test/a"})
        return httpx.Response(200, content=b"x")

    http = client(handler)
    await http.request("GET", "/jobs/1")
    async with http.download("https://api.example.test/v2/file"):
        pass
    assert seen == {
        "https://api.example.test/v2/jobs/1": f"Bearer {KEY}",
        "https://files.example.test/a": None,
        "https://api.example.test/v2/file": None,
    }


async def test_a_caller_cannot_replace_the_credential() -> None:
    handler, asked = answers(httpx.Response(200))
    await client(handler).request("GET", "/jobs", headers={"authorization": "Bearer other"})
    assert asked[0].headers.get_list("authorization") == [f"Bearer {KEY}"]


@pytest.mark.parametrize("path", ["jobs", "@evil.test/", "https://evil.test/", ".evil.test/"])
async def test_a_path_that_would_leave_the_service_is_refused(path: str) -> None:
    handler, asked = answers(httpx.Response(200))
    with pytest.raises(DataError, match="slash"):
        await client(handler).request("GET", path)
    assert asked == []


async def test_cookies_of_a_service_are_never_sent_back() -> None:
    handler, asked = answers(httpx.Response(200, headers={"set-cookie": "session=1; Path=/"}))
    http = client(handler)
    await http.request("GET", "/a")
    await http.request("GET", "/b")
    assert "cookie" not in asked[1].headers


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_loop_is_a_connection_error(method: str) -> None:
    handler, asked = answers(httpx.Response(302, headers={"location": "/v2/jobs"}))
    with pytest.raises(ServiceConnectionError):
        await client(handler).request(method, "/jobs")
    assert len(asked) <= 6


async def test_a_download_redirect_loop_is_a_connection_error() -> None:
    handler, _ = answers(httpx.Response(302, headers={"location": "https://files.example.test/a"}))
    with pytest.raises(ServiceConnectionError, match="redirects"):
        async with client(handler).download("https://files.example.test/a"):
            pass


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_an_expired_download_is_a_data_error(status: int) -> None:
    handler, _ = answers(httpx.Response(status))
    with pytest.raises(DataError):
        async with client(handler).download("https://files.example.test/a?s=1"):
            pass


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="report.pdf"', "report.pdf"),
        ('attachment; filename="a \\"b\\".pdf"', 'a "b".pdf'),
        ("attachment; filename=plain.pdf; size=3", "plain.pdf"),
        ("attachment; filename=\"x.pdf\"; filename*=UTF-8''%C3%BCber%20uns.pdf", "über uns.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="..\\\\..\\\\boot.ini"', "boot.ini"),
        ("inline", "last part.bin"),
        ("", "last part.bin"),
    ],
)
async def test_a_download_is_named_by_its_answer_else_by_its_address(
    header: str, name: str
) -> None:
    handler, _ = answers(
        httpx.Response(200, headers={"content-disposition": header}, content=b"abc")
    )
    async with client(handler).download("https://files.example.test/f/last%20part.bin?s=1") as got:
        assert (got.name, got.size) == (name, 3)
        assert b"".join([chunk async for chunk in got.chunks]) == b"abc"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "nonsense", "http://", ""])
async def test_only_http_addresses_are_downloaded(url: str) -> None:
    handler, asked = answers(httpx.Response(200))
    with pytest.raises(DataError):
        async with client(handler).download(url):
            pass
    assert asked == []


async def test_headers_of_a_download_stay_with_the_first_origin() -> None:
    seen: dict[str, str | None] = {}

    def handler(request: httpx.Request) -> httpx.Response:
        seen[request.url.host] = request.headers.get("x-token")
        if request.url.host == "one.test":
            return httpx.Response(307, headers={"location": "https://two.test/"})
        return httpx.Response(200)

    async with client(handler).download("https://one.test/", headers={"x-token": "t"}):
        pass
    assert seen == {"one.test": "t", "two.test": None}


@pytest.mark.parametrize(
    "headers", [{"Host": "a"}, {"Content-Length": "1"}, {"bad name": "x"}, {"x": "a\r\nb: c"}]
)
async def test_headers_that_would_change_the_transfer_are_refused(headers: dict[str, str]) -> None:
    handler, asked = answers(httpx.Response(200))
    with pytest.raises(DataError):
        await client(handler).request("GET", "/jobs", headers=headers)
    assert asked == []
