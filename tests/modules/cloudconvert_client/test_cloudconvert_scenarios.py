"""Scenarios that look at jobs and tasks, run against the embedded server."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudconvert_embedded import EXPORTED, WaitingClock, created, ended, server
from contexts import World
from local_server import make_clip
from PIL import Image
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


async def test_files_of_an_array_aggregator_in_several_formats_are_converted(
    tmp_path: Path,
) -> None:
    text = """
        name: Print everything
        flow:
          - id: source
            module: files.watch_folder
            with: {folder: inbox}
          - id: all
            module: flow.array_aggregator
            with:
              source: source
              fields: {file: "{{ source.file }}"}
          - id: print
            module: cloudconvert.convert_file
            with:
              input_file: upload
              file: "{{ all.array }}"
              output_format: pdf
              download_file: true
          - module: probe.record
            with: {text: "{{ join(map(print.files, 'name'), ' ') }} {{ length(print.files) }}"}
    """
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/one.txt").write_text("words")
    Image.new("RGB", (30, 20), "teal").save(tmp_path / "inbox/two.png")
    async with server(tmp_path) as world:
        bench = Bench(tmp_path, text, WaitingClock(), http={"print": world.http})
        await bench.run()
    assert bench.listener.failures == []
    assert [line.partition(":")[2] for line in bench.seen] == ["one.pdf two.pdf 2"]


async def test_mov_to_mp4_is_converted_with_options_read_off_the_list_of_operations(
    tmp_path: Path,
) -> None:
    make_clip(tmp_path / "holiday.mov")
    text = """
        name: The example of the documentation
        flow:
          - id: film
            module: files.get_file
            with: {path: holiday.mov}
          - id: pair
            module: cloudconvert.list_operations
            with: {operation: convert, input_format: mov, output_format: mp4}
          - id: mp4
            module: cloudconvert.convert_file
            with:
              input_file: upload
              file: "{{ film.file }}"
              input_format: "{{ pair.input_format }}"
              output_format: "{{ pair.output_format }}"
              options:
                - {name: video_codec, value: x264}
                - {name: crf, value: "{{ first(map(pair.options, 'default', 'name', 'crf')) }}"}
                - {name: width, value: "32"}
              download_file: true
          - module: probe.record
            with: {text: "{{ mp4.file.name }} {{ map(mp4.tasks, 'id', 'name', 'process') }}"}
    """
    async with server(tmp_path) as world:
        http = dict.fromkeys(("pair", "mp4"), world.http)
        bench = Bench(tmp_path, text, WaitingClock(), http=http)
        await bench.run()
        [(name, task_id)] = [line.partition(":")[2].split() for line in bench.seen]
        reply = await world.http.request("GET", f"/tasks/{task_id}", query={"include": "payload"})
    payload = reply.body["data"]["payload"]
    assert bench.listener.failures == []
    assert name == "holiday.mp4"
    assert (payload["video_codec"], payload["crf"], payload["width"]) == ("x264", 23, 32)


async def test_an_array_aggregator_feeds_a_job_of_several_linked_tasks(tmp_path: Path) -> None:
    text = """
        name: A job of one's own
        flow:
          - id: source
            module: files.watch_folder
            with: {folder: inbox}
          - id: all
            module: flow.array_aggregator
            with:
              source: source
              fields: {file: "{{ source.file }}"}
          - id: job
            module: cloudconvert.create_job
            with:
              input_files: "{{ all.array }}"
              tag: by-hand
              tasks:
                - {name: one, operation: merge, output_format: pdf}
                - {name: first, operation: thumbnail, input: one, output_format: png, width: "40"}
                - {name: links, operation: export/url, input: [one, first]}
          - module: probe.record
            with: {text: "{{ job.tag }} {{ job.id }} {{ join(map(job.tasks, 'name'), ',') }}"}
    """
    (tmp_path / "inbox").mkdir()
    for name in ("one", "two"):
        (tmp_path / f"inbox/{name}.txt").write_text(name)
    async with server(tmp_path) as world:
        bench = Bench(tmp_path, text, http={"job": world.http})
        await bench.run()
        [(tag, job_id, names)] = [line.partition(":")[2].split() for line in bench.seen]
        job = await finished(world, job_id)
    assert (tag, names) == ("by-hand", "import-1,import-2,one,first,links")
    assert job["status"] == "finished"
    [links] = [task for task in job["tasks"] if task["name"] == "links"]
    assert [file["filename"].rpartition(".")[2] for file in links["result"]["files"]] == [
        "pdf",
        "png",
    ]


async def finished(world: World, job_id: str) -> Any:
    """Return a job once it has ended."""
    while True:
        job = (await world.http.request("GET", f"/jobs/{job_id}")).body["data"]
        if job["status"] != "processing":
            return job
        await world.sleep(timedelta(milliseconds=20))
