"""A canary in place of the key: whatever a service does with it, nobody gets to see it."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from front_door import fusion, write

CANARY = "canary/0123456789+abcdefghijklmnopqrstuvwxyz"
FORMS = (CANARY, quote(CANARY, safe=""), b64encode(CANARY.encode()).decode())

SCENARIO = """\
settings: {store_incomplete_executions: true}
flow:
  - id: letter
    module: tools.basic_trigger
    with: {bundles: [{n: 1}]}
  - id: convert
    module: cloudconvert.convert_file
    connection: live
    with: {input_file: url, url: "https://example.test/a.txt", output_format: pdf}
    on_error: [{module: flow.break}]
"""


class _Parrot(BaseHTTPRequestHandler):
    """Repeats what it was sent in every field of an error."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        key = self.headers.get("authorization", "").removeprefix("Bearer ")
        said = f"{key} {quote(key, safe='')} {b64encode(key.encode()).decode()}"
        errors = {"tasks": [f"refused for {said}"], key: [key]}
        body = json.dumps({"message": f"no: {said}", "code": key, "errors": errors}).encode()
        self.send_response(422 if self.command == "POST" else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 - names of the standard library

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@pytest.fixture(autouse=True)
def _parrot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)
    monkeypatch.setenv("CC_KEY", CANARY)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Parrot) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        at = f"http://127.0.0.1:{server.server_address[1]}/v2"
        entry = f"{{type: cloudconvert, api_key: {{env: CC_KEY}}, base_url: '{at}'}}"
        write("connections.yaml", f"live: {entry}\n")
        write("s.yaml", SCENARIO)
        yield
        server.shutdown()
        thread.join()


def assert_hidden(text: str) -> None:
    assert [form for form in FORMS if form in text] == []


@pytest.mark.parametrize("words", [("run", "s.yaml"), ("run", "s.yaml", "--json")], ids=str)
def test_a_run_that_is_refused_shows_the_refusal_without_the_key(words: tuple[str, ...]) -> None:
    ran = fusion(*words)
    assert ran.exit_code == 3
    assert "refused for ***" in ran.output
    assert_hidden(ran.output)


@pytest.mark.parametrize(
    "words",
    [
        ("runs",),
        ("runs", "--json"),
        ("incomplete", "list"),
        ("incomplete", "list", "--json"),
    ],
    ids=" ".join,
)
def test_records_do_not_hold_the_key(words: tuple[str, ...]) -> None:
    fusion("run", "s.yaml")
    shown = fusion(*words)
    assert shown.exit_code == 0
    assert_hidden(shown.output)


def test_the_store_does_not_hold_the_key() -> None:
    fusion("run", "s.yaml")
    stored = b"".join(path.read_bytes() for path in Path(".fusion").rglob("*") if path.is_file())
    assert b"refused for ***" in stored
    assert [form for form in FORMS if form.encode() in stored] == []


def test_a_connection_that_is_tested_does_not_tell_it_either() -> None:
    tested = fusion("connections", "test", "s.yaml")
    assert_hidden(tested.output)


PATIENTS = """\
settings: {store_incomplete_executions: true, data_is_confidential: true}
flow:
  - id: patient
    module: tools.basic_trigger
    with: {bundles: [{name: Ada Canary-Lovelace, age: null}]}
  - id: next
    module: tools.set_variables
    with: {variables: {age: "{{ patient.age + 1 }}", who: "{{ patient.name }}"}}
    on_error: [{module: flow.break}]
"""


def test_confidential_data_is_in_no_file_of_the_store_and_can_be_replayed() -> None:
    write("p.yaml", PATIENTS)
    assert fusion("run", "p.yaml").exit_code == 3
    stored = b"".join(path.read_bytes() for path in Path(".fusion").rglob("*") if path.is_file())
    assert b"Canary-Lovelace" not in stored.replace(PATIENTS.encode(), b"")
    record = json.loads(fusion("incomplete", "list", "--json").output)["incomplete"][0]["id"]
    edited = fusion("incomplete", "edit", record, "--set", "patient.age=35")
    assert edited.exit_code == 0, edited.output
    assert fusion("replay", record).exit_code == 0


def test_the_key_of_confidential_records_may_come_from_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("p.yaml", PATIENTS)
    Path(".fusion").mkdir(mode=0o700)
    write(".fusion/config.yaml", "encryption_key: {env: STORE_KEY}\n")
    monkeypatch.setenv("STORE_KEY", "ab" * 32)
    assert fusion("run", "p.yaml").exit_code == 3
    assert not Path(".fusion/key").exists()
    record = json.loads(fusion("incomplete", "list", "--json").output)["incomplete"][0]["id"]
    monkeypatch.setenv("STORE_KEY", "cd" * 32)
    refused = fusion("incomplete", "show", record)
    assert refused.exit_code == 6
    assert "the key of this store is not the one" in refused.output
