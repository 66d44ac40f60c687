"""Jobs of the embedded server outlive their day while stored work refers to them."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from front_door import fusion, write
from served import Heard

from engine.app import Operator, catalog
from engine.app.serving import ServeRequest, serving
from engine.cli.exits import Exit

SCENARIO = """\
settings: {store_incomplete_executions: true}
inputs: {tag: {type: text}, breaks: {type: boolean}}
flow:
  - id: made
    module: cloudconvert.make_api_call
    with:
      method: POST
      url: /v2/jobs
      body:
        tag: "{{ inputs.tag }}"
        tasks: {raw: {operation: import/raw, file: hello, filename: a.txt}}
  - id: next
    module: flow.throw
    with: {type: DataError, message: held back, when: "{{ inputs.breaks }}"}
    on_error:
      - module: flow.break
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


def run(tag: str, *, breaks: bool) -> int:
    answer = str(breaks).lower()
    words = ("--set", f"tag={tag}", "--set", f"breaks={answer}")
    return fusion("run", write("held.yaml", SCENARIO), *words).exit_code


def of_the_server(statement: str) -> list[str]:
    with sqlite3.connect(".fusion/cloudconvert/cloudconvert.sqlite3") as database:
        rows = database.execute(statement).fetchall()
    database.close()
    return [row[0] for row in rows]


def test_a_job_of_an_unresolved_incomplete_execution_does_not_expire() -> None:
    assert run("wanted", breaks=True) == Exit.INCOMPLETE
    assert run("done", breaks=False) == Exit.OK
    assert of_the_server("UPDATE jobs SET ended_at = 1") == []
    assert run("new", breaks=False) == Exit.OK
    assert of_the_server("SELECT tag FROM jobs ORDER BY created_at") == ["wanted", "new"]
    found = fusion("incomplete", "resolve", "--all", "--yes")
    assert found.exit_code == Exit.OK, found.output
    assert run("newer", breaks=False) == Exit.OK
    assert of_the_server("SELECT tag FROM jobs ORDER BY created_at") == ["new", "newer"]


async def test_a_server_that_serve_starts_keeps_them_too() -> None:
    assert await asyncio.to_thread(run, "wanted", breaks=True) == Exit.INCOMPLETE
    assert await asyncio.to_thread(run, "done", breaks=False) == Exit.OK
    of_the_server("UPDATE jobs SET ended_at = 1")
    operator = Operator()
    request = ServeRequest((Path("held.yaml"),), "http://127.0.0.1:1")
    async with serving(request, operator, Heard()) as served:
        await served._servers.of(catalog(operator).connector("cloudconvert"))
    assert of_the_server("SELECT tag FROM jobs") == ["wanted"]
