"""What nobody honest sends: the server says no in its own words, and goes on."""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_server import TOKEN, UPLOAD
from standalone_server import started

from modules.cloudconvert.local.operations.registry import OPERATIONS
from modules.cloudconvert.local.store import Store, queries

RAW = {"operation": "import/raw", "file": "hello", "filename": "a.txt"}
HUGE = 4 << 20
KEY = f"Authorization: Bearer {TOKEN}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Target:
    """A server of its own for all tests here, whatever they do to it."""

    root: str
    http: httpx.Client

    def refused(self, reply: httpx.Response) -> dict[str, Any]:
        """Return the error envelope of an answer that must have one."""
        assert 400 <= reply.status_code < 500, (reply.status_code, reply.text)
        body: dict[str, Any] = reply.json()
        assert set(body) <= {"message", "code", "errors"}
        assert body["message"]
        assert re.fullmatch(r"[A-Z_]+", body["code"])
        return body

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are, and return how the answer begins, nothing if there is none."""
        address = ("127.0.0.1", int(self.root.rpartition(":")[2]))
        with socket.create_connection(address, timeout=60) as line:
            try:
                line.sendall(request)
                return line.recv(64)
            except (BrokenPipeError, ConnectionResetError):
                return b""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("hostile")
    key = {"Authorization": f"Bearer {TOKEN}"}
    with (
        started(folder, "--parallel-jobs", "1000000") as (_, root),
        httpx.Client(base_url=root, headers=key, trust_env=False, timeout=60) as http,
    ):
        yield Target(root, http)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)
FIELDS = ["input", "output_format", "filename", "url", "file", "engine", "timeout", "options"]
TASK = st.fixed_dictionaries(
    {"operation": st.sampled_from(sorted(OPERATIONS)) | JSON},
    optional=dict.fromkeys(FIELDS, JSON | st.just("a")),
)


TASKS = st.dictionaries(st.sampled_from("ab") | st.text(max_size=5), TASK, max_size=3)
BODY = st.fixed_dictionaries(
    {"tasks": TASKS | JSON}, optional={"tag": JSON, "webhook_url": JSON, "redirect": JSON}
)


@settings(max_examples=150, deadline=None)
@given(body=BODY)
def test_no_job_whatever_is_in_it_breaks_the_server(target: Target, body: Any) -> None:
    reply = target.http.post("/v2/jobs", content=json.dumps(body).encode("utf-8", "surrogatepass"))
    assert reply.status_code == 201 or target.refused(reply)["message"]


@settings(max_examples=50, deadline=None)
@given(body=JSON | st.fixed_dictionaries({"url": JSON, "events": JSON}))
def test_no_webhook_whatever_is_in_it_breaks_the_server(target: Target, body: Any) -> None:
    reply = target.http.post("/v2/webhooks", content=json.dumps(body))
    assert target.refused(reply)["code"] in {"BAD_REQUEST", "INVALID_DATA"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"null",
        b'"x"',
        b"\xef\xbb\xbf{}",
        json.dumps({"tasks": {"a": RAW}}).encode("utf-16"),
        b'{"tag": NaN}',
        b'{"tag": "\\ud800"}',
        b'{"tag": ' + b"9" * 5000 + b"}",
        b"tasks[a][operation]=import/raw",
        b"[" * 100_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b"\x1f\x8b\x08\x00",
    ],
    ids=range(12),
)
def test_a_body_that_is_no_flat_json_is_a_bad_request(target: Target, body: bytes) -> None:
    for path in ("/v2/jobs", "/v2/import/raw", "/v2/webhooks"):
        reply = target.http.post(path, content=body)
        assert (reply.status_code, target.refused(reply)["code"]) == (400, "BAD_REQUEST")


def test_a_job_of_very_many_tasks_is_refused(target: Target) -> None:
    tasks = {f"t{number}": UPLOAD for number in range(5001)}
    answer = target.refused(target.http.post("/v2/jobs", json={"tasks": tasks}))
    assert answer["errors"] == {"tasks": ["The tasks may not have more than 5000 items."]}


@pytest.mark.parametrize(
    "path",
    [
        "/v2/jobs/%00",
        "/v2/jobs/..%2f..%2fetc%2fpasswd",
        "/v2/tasks/%ff",
        "/v2/tasks/%F0%9F%A6%8A",
        "//v2/jobs",
        "/v2//jobs",
        "/v2/jobs/x/y",
        "/v2/jobs?page=-1",
        "/v2/jobs?page=%C2%B2",
        "/v2/jobs?per_page=1e3",
        "/storage/tasks/%2e%2e/%2e%2e/secret",
        "/storage/tasks/a/-1/x",
        "/s/other?job=e30&s=x",
    ],
)
def test_tricks_in_a_path_lead_nowhere(target: Target, path: str) -> None:
    target.refused(target.http.get(path))


@pytest.mark.parametrize(
    "path",
    [
        "/storage/tasks/a/0/x?expires=1&signature=",
        "/storage/tasks/a/99999999999999999999999/x?expires=1&signature=x",
        "/storage/tasks/a/0/..%2f..%2fsecret?expires=99999999999999999999&signature=x",
        "/storage/tasks/a/0/x?expires=%00&signature=%00",
        "/storage/tasks/a/0/x",
    ],
)
def test_links_that_were_never_signed_are_refused(target: Target, path: str) -> None:
    reply = target.http.get(path)
    assert (reply.status_code, "AccessDenied" in reply.text) == (403, True)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("filter[tag]=%27%20OR%201%3D1%20--", 0),
        ("filter[status]=%00", 0),
        ("filter[status]=FINISHED", 0),
        ("page=999999999999999&per_page=1000", 0),
        ("filter[tag]=hostile&include=,,tasks,x,tasks", 1),
        ("filter[tag]=hostile&filter[tag][]=x&filter[]=y&unknown=1", 1),
    ],
)
def test_odd_filters_find_what_they_say_and_nothing_else(
    target: Target, query: str, count: int
) -> None:
    if not target.http.get("/v2/jobs?filter[tag]=hostile").json()["data"]:
        target.http.post("/v2/jobs", json={"tag": "hostile", "tasks": {"a": UPLOAD}})
    reply = target.http.get(f"/v2/jobs?{query}")
    assert (reply.status_code, len(reply.json()["data"])) == (200, count)


def test_a_wrong_method_is_told_which_ones_there_are(target: Target) -> None:
    for path, allowed in (
        ("/v2/jobs", "GET, HEAD, POST"),
        ("/v2/webhooks/1", "DELETE, GET, HEAD"),
        ("/storage/tasks", "POST"),
    ):
        reply = target.http.patch(path)
        assert (reply.status_code, reply.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /v2/jobs HTTP/1.0\r\n" + KEY + b"\r\n", 400),
        (b"GET /v2/jobs HTTP/1.1\r\nHost: a\r\n" + KEY + b"X: " + b"a" * HUGE + b"\r\n\r\n", 400),
        (b"GET /v2/jobs HTTP/1.1\r\nHost: a\" onload\r\n" + KEY + b"\r\n", 400),
        (b"GET /v2/jobs HTTP/1.1\r\nHost: \xff\r\n" + KEY + b"\r\n", 400),
        (b"GET /v2/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\r\n\r\n", 401),
        (b"GET /" + b"a" * HUGE + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"POST /v2/jobs HTTP/1.1\r\nHost: a\r\n" + KEY + b"Content-Length: -5\r\n\r\n", 400),
        (
            b"POST /v2/jobs HTTP/1.1\r\nHost: a\r\n" + KEY
            + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
        ),
    ],
    ids=range(9),
)  # fmt: skip
def test_requests_that_are_hardly_http_are_refused(
    target: Target, request_: bytes, status: int
) -> None:
    answer = target.raw(request_)
    hung_up = len(request_) > HUGE and not answer
    assert hung_up or answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert target.http.get("/v2/users/me").status_code == 200


def test_a_body_past_the_limit_is_refused_while_it_comes(target: Target) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(80):
            yield b" " * (1 << 20)

    try:
        reply = target.http.post("/v2/jobs", content=endless())
    except (httpx.WriteError, httpx.ReadError):
        # The server has hung up on what it did not want to read.
        return
    assert (reply.status_code, target.refused(reply)["code"]) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(
    "name", ["waiting_on", "standings", "open_task", "standings_in_job", "tasks_of_jobs"]
)
def test_what_a_task_does_at_its_end_costs_the_same_however_many_there_are(
    name: str, tmp_path: Path
) -> None:
    store = Store(tmp_path / "a.sqlite3")
    values = {"id": "a", "ids": '["a"]', "job_id": "a"}
    plan = store._db.execute(f"EXPLAIN QUERY PLAN {queries()[name]}", values).fetchall()
    store.close()
    assert not [row["detail"] for row in plan if row["detail"].startswith("SCAN tasks")]
