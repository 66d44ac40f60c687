"""A connection that does not work, through the front door: told at once, and nothing is lost."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from clocks import StandingClock
from front_door import fusion, write

from engine.app import Operator
from engine.app.connections import try_connections
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


def add(entry: str) -> None:
    with Path("connections.yaml").open("a", encoding="utf-8") as file:
        file.write(f"{entry}\n")


def lines(*words: str) -> list[str]:
    """Return what a test of connections answers, below the titles."""
    return fusion("connections", "test", *words).stdout.splitlines()[1:]


def test_connections_that_work_are_told_with_their_address_and_nothing_runs() -> None:
    scenario = write("letters.yaml", SCENARIO)
    with answering(200, "welcome") as service:
        add("here: {type: cloudconvert, embedded: true}")
        result = fusion("connections", "test", scenario)

    assert result.exit_code == Exit.OK
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["result", "connection", "connector", "answer"],
        ["ok", "live", "cloudconvert", f"http://127.0.0.1:{service.server_address[1]}/v2"],
        ["ok", "here", "cloudconvert", "embedded", "server"],
    ]
    assert service.asked == ["GET /v2/jobs?per_page=1"]
    assert result.stderr == ""
    assert sorted(path.name for path in Path().iterdir()) == ["connections.yaml", "letters.yaml"]


def test_a_refused_key_is_told_beside_connections_that_work() -> None:
    with answering(401, "Unauthenticated."):
        add("here: {type: cloudconvert, embedded: true}")
        result = fusion("connections", "test")

    assert result.exit_code == Exit.CONNECTION
    refused, works = result.stdout.splitlines()[1:]
    assert refused.startswith("refused  live ")
    assert refused.endswith("/v2/jobs: Unauthenticated. [HTTP 401]")
    assert works.startswith("ok       here ")
    assert "a-long-and-secret-key" not in result.output


def test_a_missing_scope_is_named() -> None:
    with answering(403, "Invalid scope(s) provided."):
        (line,) = lines()

    assert line.startswith("refused  live ")
    assert "the API key lacks the scope `task.read`" in line


def test_a_credential_that_is_missing_is_told_with_the_way_to_set_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CC_KEY")
    with answering(200, "welcome") as service:
        result = fusion("connections", "test")

    assert result.exit_code == Exit.CONNECTION
    (line,) = result.stdout.splitlines()[1:]
    assert line.startswith("failed  live ")
    assert line.endswith("`CC_KEY` is not set; set it in the shell: export CC_KEY=…")
    assert service.asked == []


async def test_a_service_that_cannot_be_reached_fails_and_is_not_said_to_refuse() -> None:
    with answering(200, "") as service:
        address = f"127.0.0.1:{service.server_address[1]}"

    (tried,) = await try_connections(None, Operator(), StandingClock())

    assert (tried.name, tried.address, tried.refused) == ("live", "", False)
    assert tried.problem is not None
    assert tried.problem.code == "E304"
    assert f"http://{address}/v2/jobs: cannot connect" in tried.problem.message


def test_the_embedded_server_that_nodes_use_without_a_word_is_asked_too() -> None:
    scenario = write("plain.yaml", SCENARIO.replace("    connection: live\n", ""))
    result = fusion("connections", "test", scenario, "--json")

    assert result.exit_code == Exit.OK
    (told,) = json.loads(result.stdout)["connections"]
    assert told.pop("address").startswith("http://127.0.0.1:")
    assert told == {
        "name": "cloudconvert",
        "connector": "cloudconvert",
        "embedded": True,
        "result": "ok",
        "problem": None,
    }


def test_a_failure_is_told_as_json_with_its_problem() -> None:
    with answering(401, "Unauthenticated."):
        result = fusion("connections", "test", "--json")

    assert result.exit_code == Exit.CONNECTION
    (told,) = json.loads(result.stdout)["connections"]
    assert (told["result"], told["address"]) == ("refused", None)
    assert told["problem"]["code"] == "E304"
    assert "Unauthenticated." in told["problem"]["message"]


def test_one_connection_of_a_given_file_is_tested_alone() -> None:
    with answering(200, "welcome") as service:
        Path("elsewhere").mkdir()
        other = str(Path("connections.yaml").rename("elsewhere/other.yaml"))
        with Path(other).open("a", encoding="utf-8") as file:
            file.write("lost: {type: cloudconvert, api_key: {file: no-key}}\n")
        alone = fusion("connections", "test", "--connections", other, "--name", "live")
        (line,) = lines("--connections", other, "--name", "lost")

    assert alone.exit_code == Exit.OK
    assert service.asked == ["GET /v2/jobs?per_page=1"]
    assert "file elsewhere/no-key cannot be read" in line  # relative to the file's own folder


def test_a_connection_that_is_not_there_names_the_one_that_was_meant() -> None:
    with answering(200, "") as service:
        result = fusion("connections", "test", "--name", "liv")

    assert result.exit_code == Exit.NOT_FOUND
    assert "there is no connection `liv`; did you mean `live`?" in result.stderr
    assert "connections: live" in result.stderr
    assert service.asked == []


def test_without_scenario_and_file_a_scenario_is_asked_for() -> None:
    result = fusion("connections", "test")

    assert result.exit_code == Exit.USAGE
    assert "no connections.yaml lies in the current folder" in result.stderr
    assert result.stderr.endswith("next: fusion connections test SCENARIO\n")


def test_a_wrong_connections_file_is_a_usage_error_with_its_place() -> None:
    write("connections.yaml", "live: {type: cloudconvert, api_key: {env: CC_KEY}, regoin: eu}\n")
    result = fusion("connections", "test")

    assert result.exit_code == Exit.USAGE
    assert "connections.yaml:1:" in result.stderr
    assert "did you mean `region`?" in result.stderr


def test_a_scenario_that_talks_to_no_service_has_nothing_to_test() -> None:
    flow = "flow: [{id: a, module: tools.basic_trigger, with: {bundles: [{n: 1}]}}]\n"
    result = fusion("connections", "test", write("quiet.yaml", flow))

    assert (result.exit_code, result.stdout) == (Exit.OK, "no connections to test\n")


ODD = """\
from engine.module import Connection, ConnectionFields, Connector


class Odd(ConnectionFields):
    broken: bool = False

    def connect(self, secrets):
        return Connection("http://ada:pa55word@127.0.0.1:9/api?key=s3cret", "")

    async def test(self, http):
        if self.broken:
            raise RuntimeError("a mistake of its author")


connector = Connector("odd", "Odd", {}, Odd)
"""
"""A connector of a person's own, which sends nothing."""


def test_a_connectors_own_mistake_fails_its_connection_alone_and_addresses_show_no_secret() -> None:
    Path("mine").mkdir()
    write("mine/odd.py", ODD)
    write("connections.yaml", "one: {type: odd, broken: true}\ntwo: {type: odd}\n")
    result = fusion("connections", "test", "--modules", "mine")

    assert result.exit_code == Exit.CONNECTION
    assert [line.split(maxsplit=3) for line in result.stdout.splitlines()[1:]] == [
        ["failed", "one", "odd", "RuntimeError: a mistake of its author"],
        ["ok", "two", "odd", "http://127.0.0.1:9/api"],
    ]
