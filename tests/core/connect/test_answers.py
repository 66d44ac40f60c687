"""HTTP/1.1 at its edges: answers in any pieces, hostile answers, requests that are none."""

import tracemalloc

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connect.answer import HEAD_BYTES, Answers
from engine.connect.question import sent

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b \r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;name=value\r\nhel\r\n2\r\nlo\r\n0\r\nX-Trailer: t\r\n\r\n"
)
INFORMED = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + PLAIN
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\nhello"
BODILESS = b"HTTP/1.1 204 No Content\r\n\r\n"


def body_of(answers: Answers) -> bytes:
    return b"".join(answers.chunks)


def fed(*pieces: bytes, method: str = "GET", end: bool = False) -> Answers:
    answers = Answers()
    answers.begin(method)
    for piece in pieces:
        answers.feed(piece)
    if end:
        answers.end()
    return answers


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        pytest.param(PLAIN, 200, b"hello", id="a length"),
        pytest.param(CHUNKED, 201, b"hello", id="chunks"),
        pytest.param(INFORMED, 200, b"hello", id="after an informational one"),
        pytest.param(TO_THE_END, 200, b"hello", id="to the end of the connection"),
        pytest.param(BODILESS, 204, b"", id="no body"),
    ],
)
@given(st.data())
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(
    data: bytes, status: int, body: bytes, drawn: st.DataObject
) -> None:
    cuts = sorted(drawn.draw(st.sets(st.integers(1, len(data) - 1), max_size=6)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    answers = fed(*pieces, end=data is TO_THE_END)

    assert answers.head is not None
    assert (answers.head.status, body_of(answers), answers.whole) == (status, body, True)
    assert answers.last == (data is TO_THE_END)


def test_values_of_headers_have_no_blanks_around_them_and_trailers_are_none_of_them() -> None:
    plain, chunked = fed(PLAIN), fed(CHUNKED)
    assert plain.head is not None
    assert chunked.head is not None
    assert plain.head.headers == [(b"Content-Length", b"5"), (b"X-A", b"b")]
    assert chunked.head.headers == [(b"Transfer-Encoding", b"chunked")]


def test_one_connection_gives_answer_after_answer() -> None:
    answers = fed(PLAIN)
    answers.chunks.clear()
    answers.begin("GET")
    answers.feed(CHUNKED)
    assert (body_of(answers), answers.whole, answers.last) == (b"hello", True, False)


def test_an_answer_to_head_has_no_body_and_is_the_last_one() -> None:
    answers = fed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method="HEAD")
    assert (answers.whole, answers.last, body_of(answers)) == (True, True, b"")


@pytest.mark.parametrize(
    "more", [PLAIN, b"garbage", b"\x00"], ids=["an answer", "text", "a zero byte"]
)
def test_what_comes_after_an_answer_is_not_part_of_it(more: bytes) -> None:
    answers = fed(PLAIN + more)
    assert answers.head is not None
    assert (answers.head.status, body_of(answers), answers.last) == (200, b"hello", True)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n", id="another protocol"),
        pytest.param(
            b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="101"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n", id="two lengths in one"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", id="two lengths"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="a negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n", id="a zero byte in a header"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", id="no size of a chunk"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            id="a chunk beyond all bounds",
        ),
    ],
)
def test_what_is_no_http_is_refused(data: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        fed(data)


@pytest.mark.parametrize("length", [0, 3, len(PLAIN) - 1], ids=["nothing", "a start", "nearly all"])
def test_an_answer_that_breaks_off_is_no_answer(length: int) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="closed without"):
        fed(PLAIN[:length], end=True)


def feed_on(answers: Answers, more: bytes) -> None:
    for _ in range(HEAD_BYTES):
        answers.feed(more)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", id="headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: ", b"aaaaaaaa", id="one header"),
        pytest.param(b"HTTP/1.1 200 ", b"OKOKOKOK", id="a reason"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="informational answers"),
        pytest.param(CHUNKED[:-2], b"X-A: b\r\n", id="trailers"),
        pytest.param(CHUNKED[:-2] + b"X-A: ", b"aaaaaaaa", id="one trailer"),
        pytest.param(CHUNKED.partition(b"=")[0] + b"=", b"aaaaaaaa", id="an extension of a chunk"),
    ],
)
def test_what_has_no_end_is_cut_off_before_it_fills_the_memory(start: bytes, more: bytes) -> None:
    answers = fed(start)
    tracemalloc.start()
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            feed_on(answers, more * 100)
        assert tracemalloc.get_traced_memory()[1] < 30 * HEAD_BYTES
    finally:
        tracemalloc.stop()


def test_a_long_body_in_tiny_chunks_is_no_attack() -> None:
    answers = fed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(HEAD_BYTES // 2):
        answers.feed(b"1\r\na\r\n")
        answers.chunks.clear()
    answers.feed(b"0\r\n\r\n")
    assert answers.whole


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("GET", {"X-A": "b\r\nX-C: d"}, id="a header in a value"),
        pytest.param("GET", {"X A": "b"}, id="a blank in a name"),
        pytest.param("GET", {"X-A": "b\x00"}, id="a zero byte"),
        pytest.param("GET / HTTP/1.1\r\n", {}, id="a line in the method"),
    ],
)
def test_a_request_that_would_be_another_one_is_not_sent(
    method: str, headers: dict[str, str]
) -> None:
    request = httpx.Request(method, "http://localhost/", headers=headers)
    request.stream = httpx.ByteStream(b"")
    with pytest.raises(httpx.LocalProtocolError):
        sent(request)
