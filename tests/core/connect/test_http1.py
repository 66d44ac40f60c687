"""HTTP/1.1's bytes: what is read of an answer, what is refused, and that another reader agrees."""

from dataclasses import dataclass

import h11
import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.connect.http1 import HEAD_BYTES, Answers, head_of, length_of

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Read:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    again: bool
    """Another answer may follow on the connection."""


def read(content: bytes, *, method: str = "GET", over: bool = False, step: int = 0) -> Read | None:
    """Feed an answer in steps of some bytes, 0 for all at once; None if there is more to come."""
    answers = Answers()
    answers.expect(method)
    head, body = None, b""
    pieces = [content[i : i + step] for i in range(0, len(content), step)] if step else [content]
    for i, piece in enumerate(pieces):
        answers.receive(piece)
        if over and i == len(pieces) - 1:
            answers.end()
        head = head or answers.head()
        while head and (part := answers.piece()):
            body += part
    if not (head and answers.done):
        return None
    return Read(head.status, head.headers, body, answers.in_step)


@pytest.mark.parametrize("step", [0, 1, 2, 7])
@pytest.mark.parametrize(
    ("content", "body", "again"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello", True),
        (OK + b"Content-Length: 0\r\n\r\n", b"", True),
        (OK + b"Content-Length: 2, 2\r\n\r\nhi", b"hi", True),
        (OK + b"CONTENT-LENGTH:2\r\ncontent-length: 2 \r\n\r\nhi", b"hi", True),
        (OK + b"Content-Length: 2\r\nConnection: x, Close\r\n\r\nhi", b"hi", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi", b"hi", True),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", b"hi", True),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", b"hi", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi", b"hi", True),
        (CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", b"hi", True),
        (CHUNKED + b"0a ; x=1\r\n0123456789\r\n000\r\nTrailer: 1\r\n\r\n", b"0123456789", True),
        (CHUNKED[:-2] + b"Content-Length: 1\r\n\r\n1\r\nx\r\n0\r\n\r\n", b"x", False),
    ],
)  # fmt: skip
def test_an_answer_ends_where_its_head_says(
    content: bytes, body: bytes, again: bool, step: int
) -> None:
    found = read(content, step=step)
    assert found is not None
    assert (found.body, found.again) == (body, again)
    if len(content) > 1:
        assert read(content[:-1]) is None


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    assert read(OK + b"\r\nhello") is None
    found = read(OK + b"\r\nhello", over=True)
    assert found == Read(200, [], b"hello", again=False)


def test_the_answer_to_a_head_request_has_no_body() -> None:
    found = read(OK + b"Content-Length: 500\r\n\r\n", method="HEAD")
    assert found == Read(200, [(b"Content-Length", b"500")], b"", again=True)


def test_headers_keep_their_order_spelling_and_repeats() -> None:
    found = read(
        OK + b"B:  1 \r\na: \xff\tx\r\nB:\r\nFold: one\r\n  two\r\nContent-Length: 0\r\n\r\n"
    )
    assert found is not None
    assert found.headers[:4] == [
        (b"B", b"1"),
        (b"a", b"\xff\tx"),
        (b"B", b""),
        (b"Fold", b"one two"),
    ]


def test_what_follows_an_answer_unasked_puts_the_connection_out_of_step() -> None:
    found = read(OK + b"Content-Length: 2\r\n\r\nhi!")
    assert found is not None
    assert (found.body, found.again) == (b"hi", False)


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\n\r\n",
        b"\r\n\r\n" + OK + b"\r\n",
        b"<html>\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        OK + b"Content-Length : 2\r\n\r\nhi",
        OK + b" Content-Length: 2\r\n\r\nhi",
        OK + b": 2\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"A: b\rContent-Length: 2\r\n\r\nhi",
        OK + b"A: \0\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        OK + b"Content-Length: 2, 3\r\n\r\nhi",
        OK + b"Content-Length: -2\r\n\r\nhi",
        OK + b"Content-Length: +2\r\n\r\nhi",
        OK + b"Content-Length: 0x2\r\n\r\nhi",
        OK + b"Content-Length: 2,\r\n\r\nhi",
        OK + b"Content-Length: \r\n\r\nhi",
        OK + b"Content-Length: \xb2\r\n\r\nhi",
        OK + b"Content-Length: 9999999999999999999999\r\n\r\nhi",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"-1\r\n\r\n",
        CHUNKED + b"0x2\r\nhi\r\n0\r\n\r\n",
        CHUNKED + b"2\r\nhi!0\r\n\r\n",
        CHUNKED + b"2\r\nhi\n0\r\n\r\n\r\n",
        CHUNKED + b"ffffffffffffffffff\r\n",
        CHUNKED + b"2 hi\r\n",
    ],
)
def test_an_answer_that_could_be_read_in_two_ways_is_refused(content: bytes, over: bool) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        read(content, over=over)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        OK[:9],
        OK + b"A: b\r\n",
        OK + b"Content-Length: 5\r\n\r\nhell",
        CHUNKED,
        CHUNKED + b"2\r\nh",
        CHUNKED + b"2\r\nhi\r\n",
        CHUNKED + b"2\r\nhi\r\n0\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_an_error(content: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match=r"breaks off|closed without an answer"):
        read(content, over=True)


@pytest.mark.parametrize(
    "content",
    [
        OK + b"A: b\r\n" * (HEAD_BYTES // 6),
        OK + b"A: b\r\n" * (HEAD_BYTES // 6) + b"\r\n",
        OK + b"A" * HEAD_BYTES,
        CHUNKED + b"0" * HEAD_BYTES,
        CHUNKED + b"0\r\n" + b"A: b\r\n" * (HEAD_BYTES // 4),
    ],
)
def test_what_never_ends_is_refused_before_it_fills_the_memory(content: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match=r"too large|endless"):
        read(content)


def test_a_request_is_written_with_its_headers_as_they_are() -> None:
    request = httpx.Request("POST", "http://a.test:81/p/%20?q=ü", content=b"hi", headers={"x": ""})
    assert head_of(request) == (
        b"POST /p/%20?q=%C3%BC HTTP/1.1\r\nHost: a.test:81\r\nx: \r\nContent-Length: 2\r\n\r\n"
    )
    assert length_of(request) == 2


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"x": "a\r\nb: c"}),
        ("GET", {"x": "a\nb"}),
        ("GET", {"x": "\0"}),
        ("GET", {"x y": "a"}),
        ("GET", {"": "a"}),
        ("GET / HTTP/1.1\r\nX: y\r\n\r\nGET", {}),
        ("", {}),
        ("GÉT", {"x": "y"}),
    ],
)
def test_a_request_that_would_be_read_as_two_is_never_written(
    method: str, headers: dict[str, str]
) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        head_of(httpx.Request(method, "http://a.test/", headers=headers))


def other(content: bytes, method: str, over: bool) -> Read | None:
    """Read an answer with h11; None if there is more to come. Raises its RemoteProtocolError."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(content)
    if over:
        reader.receive_data(b"")
    head, body = None, b""
    while (event := reader.next_event()) is not h11.NEED_DATA:
        if isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head:
            again = reader.their_state is h11.DONE and not over and not reader.trailing_data[0]
            return Read(head.status_code, list(head.headers.raw_items()), body, again)
    return None


def _as_written(found: Read) -> list[tuple[bytes, bytes]]:
    """Return the headers but those that the other reader writes anew."""
    framing = (b"content-length", b"transfer-encoding")
    return [(name, value) for name, value in found.headers if name.lower() not in framing]


NAMES = st.sampled_from(
    ["Content-Length", "Transfer-Encoding", "Connection", "X-A", "content-length", "Set-Cookie"]
)
VALUES = st.sampled_from(["0", "3", "3, 3", "5", "chunked", "Chunked", "close", "keep-alive", ""])
LINES = st.tuples(NAMES, VALUES).map(lambda pair: f"{pair[0]}: {pair[1]}\r\n".encode())
BODIES = st.sampled_from(
    [
        b"",
        b"abc",
        b"abcde",
        b"3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n",
        b"0\r\nX: y\r\n\r\n",
        b"A;b\r\n",
    ]
)
STATUSES = st.sampled_from([b"200 OK", b"204 No Content", b"304 Not Modified", b"404 ", b"500"])
VERSIONS = st.sampled_from([b"HTTP/1.1 ", b"HTTP/1.0 "])


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Answers that are mostly right; some have a byte changed, taken out or put in."""
    lines = b"".join(draw(st.lists(LINES, max_size=4)))
    content = draw(VERSIONS) + draw(STATUSES) + b"\r\n" + lines + b"\r\n" + draw(BODIES)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(content)))
        put = draw(
            st.sampled_from([b"", b"\r", b"\n", b"\r\n", b" ", b":", b"0", b"\0", b",", b"x"])
        )
        content = content[:at] + put + content[at + draw(st.integers(0, 1)) :]
    return content


@settings(max_examples=200, deadline=None)
@given(contents(), st.sampled_from(["GET", "HEAD", "POST"]), st.booleans(), st.integers(0, 5))
def test_another_reader_finds_the_same_or_we_refuse(
    content: bytes, method: str, over: bool, step: int
) -> None:
    try:
        found = read(content, method=method, over=over, step=step)
    except httpx.RemoteProtocolError:
        return
    expected = other(content, method, over)
    if found is None or expected is None:
        assert found is expected
        return
    assert (found.status, found.body) == (expected.status, expected.body)
    assert _as_written(found) == _as_written(expected)
    assert expected.again or not found.again


@settings(max_examples=150, deadline=None)
@given(contents(), st.sampled_from(["GET", "HEAD"]), st.booleans())
def test_we_refuse_little_that_another_reader_takes(
    content: bytes, method: str, over: bool
) -> None:
    assume(content.startswith((b"HTTP/1.0 ", b"HTTP/1.1 ")))
    try:
        expected = other(content, method, over)
    except h11.RemoteProtocolError:
        return
    if expected is not None:
        assert read(content, method=method, over=over) is not None
