"""A connection that does not work, through the front door: told at once, and nothing is lost."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from front_door import fusion, write

from engine.cli.exits import Exit

SCENARIO = """\
settings: {store_incomplete_executions: true}
flow:
  - id: letter
    module: tools.basic_trigger
    with: {bundles: [{n: 1}]}
  - id: convert
    module: cloudconvert.convert_file
    connection: live
    with: {input_file: upload, file: {name: a.txt, data: words}, output_format: pdf}
    on_error: [{module: flow.break}]
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)
    monkeypatch.setenv("CC_KEY", "a-long-and-secret-key")


class Answering(ThreadingHTTPServer):
    """A service that gives every request the same answer, and refuses all jobs."""

    daemon_threads = True

    def __init__(self, status: int, message: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.body = json.dumps({"message": message, "code": "NO"}).encode()
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        assert isinstance(self.server, Answering)
        self.server.asked.append(f"{self.command} {self.path}")
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(422 if self.command == "POST" else self.server.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = _answer  # noqa: N815 - names of the standard library

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@contextmanager
def answering(status: int, message: str) -> Iterator[Answering]:
    with Answering(status, message) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        entry = f"http://127.0.0.1:{server.server_address[1]}/v2"
        write(
            "connections.yaml",
            f"live: {{type: cloudconvert, api_key: {{env: CC_KEY}}, base_url: '{entry}'}}\n",
        )
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_refused_key_ends_the_run_at_once_and_names_its_connection() -> None:
    with answering(401, "Unauthenticated.") as service:
        result = fusion("run", write("letters.yaml", SCENARIO))

    assert result.exit_code == Exit.CONNECTION
    assert service.asked == ["GET /v2/jobs?per_page=1"]
    assert "error[E304]" in result.stderr
    assert "the credential of connection `live` is refused" in result.stderr
    assert "Unauthenticated. [HTTP 401]" in result.stderr
    assert "a-long-and-secret-key" not in result.output
    (run,) = json.loads(fusion("runs", "--json").stdout)["runs"]
    assert (run["status"], run["failure"]["type"]) == ("error", "AccountValidationError")
    assert run["failure"]["phase"] == "connection"
    assert json.loads(fusion("incomplete", "list", "--json").stdout)["incomplete"] == []


def test_a_replay_that_is_refused_leaves_its_record_as_it_was() -> None:
    scenario = write("letters.yaml", SCENARIO)
    with answering(200, "no job today"):
        assert fusion("run", scenario).exit_code == Exit.INCOMPLETE
    (before,) = json.loads(fusion("incomplete", "list", "--json").stdout)["incomplete"]

    with answering(403, "Invalid scope(s) provided."):
        result = fusion("replay", before["id"])

    assert result.exit_code == Exit.CONNECTION
    assert "not begun: AccountValidationError" in result.stdout
    assert "lacks the scope `task.read`" in result.stdout
    (after,) = json.loads(fusion("incomplete", "list", "--json").stdout)["incomplete"]
    assert after == before
