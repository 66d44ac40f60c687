"""Scenarios that look at jobs and tasks, run against the embedded server."""

from pathlib import Path

import pytest
from cloudconvert_embedded import EXPORTED, created, ended, server
from runs import Bench

from engine.model.execution import Status
from modules.cloudconvert import api

WAITING = {"in": {"operation": "import/upload"}}


async def test_jobs_can_be_deleted_while_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PER_PAGE", 2)
    text = """
        name: Tidy up
        flow:
          - id: jobs
            module: cloudconvert.list_jobs
            with: {status: processing, limit: 9}
          - id: gone
            module: cloudconvert.delete_job
            with: {job_id: "{{ jobs.id }}"}
          - module: probe.record
            with: {text: "{{ gone.id }}"}
    """
    async with server(tmp_path) as world:
        made = [(await created(world, WAITING))["id"] for _ in range(5)]
        bench = Bench(tmp_path, text, http=dict.fromkeys(("jobs", "gone"), world.http))
        execution = await bench.run()
        left = (await world.http.request("GET", "/jobs")).body["data"]
    assert execution.status is Status.SUCCESS
    assert [line.partition(":")[2] for line in bench.seen] == made[::-1]
    assert left == []


async def test_a_search_without_results_ends_the_path_or_goes_on_without_items(
    tmp_path: Path,
) -> None:
    text = """
        name: Look for failures
        flow:
          - id: tasks
            module: cloudconvert.list_tasks
            with: {status: error, continue_if_no_results: %s}
          - module: probe.record
            with: {text: "found {{ tasks.id }}"}
    """
    async with server(tmp_path) as world:
        for choice, seen in (("false", []), ("true", ["found "])):
            folder = tmp_path / choice
            folder.mkdir()
            bench = Bench(folder, text % choice, http={"tasks": world.http})
            await bench.run()
            assert [line.partition(":")[2] for line in bench.seen] == seen


async def test_results_of_a_listed_job_are_downloaded(tmp_path: Path) -> None:
    text = """
        name: Fetch results
        flow:
          - id: jobs
            module: cloudconvert.list_jobs
            with: {status: finished}
          - id: tasks
            module: cloudconvert.list_tasks
            with: {job_id: "{{ jobs.id }}", operation: export/url}
          - id: result
            module: cloudconvert.download_file
            with: {task_id: "{{ tasks.id }}"}
          - module: probe.record
            with: {text: "{{ result.file.name }} {{ result.file.size }} {{ result.percent }}"}
    """
    async with server(tmp_path) as world:
        await ended(world, EXPORTED)
        bench = Bench(tmp_path, text, http=dict.fromkeys(("jobs", "tasks", "result"), world.http))
        await bench.run()
    assert [line.partition(":")[2] for line in bench.seen] == ["a.txt 5 100"]
