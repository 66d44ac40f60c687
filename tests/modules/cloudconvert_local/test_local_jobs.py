"""Jobs and tasks over the wire: shapes, lists, validation, cancel, retry, delete."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from local_server import UPLOAD, Local, file_fetch, serving, task_of

RAW = {"operation": "import/raw", "file": "hello", "filename": "a.txt"}


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


async def finished_job(local: Local, **more: Any) -> dict[str, Any]:
    tasks = {"in": RAW, "out": {"operation": "export/url", "input": "in"}}
    return await local.ended((await local.create(tasks, **more))["id"])


async def test_a_new_job_shows_its_tasks_in_the_submitted_order(local: Local) -> None:
    tasks = {
        "z": UPLOAD,
        "m": {"operation": "convert", "input": "z", "output_format": "png"},
        "a": {"operation": "export/url", "input": ["m"]},
    }
    job = await local.create(tasks, tag="order-17")
    assert (job["tag"], job["status"], job["ended_at"]) == ("order-17", "processing", None)
    assert [task["name"] for task in job["tasks"]] == ["z", "m", "a"]
    assert job["links"]["self"] == f"{local.root}/v2/jobs/{job['id']}"
    first, second, third = job["tasks"]
    assert first["message"] == "Waiting for file upload"
    assert first["result"]["form"]["url"] == f"{local.root}/storage/tasks"
    assert second["depends_on_task_ids"] == [first["id"]]
    assert (third["status"], third["result"], third["engine"]) == ("waiting", None, None)


async def test_a_task_carries_every_field_that_recordings_show(local: Local) -> None:
    job = await finished_job(local)
    task = task_of(job, "out")
    assert set(task) >= {
        *("id", "name", "job_id", "status", "credits", "code", "message", "percent"),
        *("operation", "result", "created_at", "started_at", "ended_at", "retry_of_task_id"),
        *("copy_of_task_id", "depends_on_task_ids", "links", "engine", "engine_version"),
    }
    assert (task["percent"], task["credits"], task["message"]) == (100, 0, None)
    assert task["created_at"].endswith("+00:00")
    assert "." not in task["created_at"]


async def test_only_exports_have_links(local: Local) -> None:
    job = await finished_job(local)
    assert task_of(job, "in")["result"] == {"files": [{"filename": "a.txt", "size": 5}]}
    [exported] = task_of(job, "out")["result"]["files"]
    assert exported["url"].startswith(local.root)


async def test_lists_are_paged_newest_first_and_keep_their_filters(local: Local) -> None:
    for number in range(5):
        await local.create({"in": UPLOAD}, tag=f"t{number % 2}")
    first = await local.get("/v2/jobs", params={"filter[tag]": "t0", "per_page": 2})
    assert [job["tag"] for job in first["data"]] == ["t0", "t0"]
    assert "tasks" not in first["data"][0]
    assert first["meta"] == {
        "current_page": 1,
        "from": 1,
        "path": f"{local.root}/v2/jobs",
        "per_page": 2,
        "to": 2,
    }
    assert first["links"]["last"] is None
    assert first["links"]["prev"] is None
    second = await local.get(first["links"]["next"])
    assert [job["tag"] for job in second["data"]] == ["t0"]
    assert second["links"]["next"] is None
    assert second["meta"]["from"] == second["meta"]["to"] == 3
    created = [job["id"] for job in first["data"] + second["data"]]
    assert len(set(created)) == 3
    empty = await local.get("/v2/jobs?page=9")
    assert (empty["data"], empty["meta"]["from"], empty["meta"]["to"]) == ([], None, None)


async def test_lists_filter_by_status_job_and_operation(local: Local) -> None:
    done = await finished_job(local)
    waiting = await local.create({"in": UPLOAD})
    for status, expected in (("finished", done), ("processing", waiting)):
        listed = await local.get("/v2/jobs", params={"filter[status]": status, "include": "tasks"})
        assert [job["id"] for job in listed["data"]] == [expected["id"]]
        assert listed["data"][0]["tasks"]
    tasks = await local.get("/v2/tasks", params={"filter[job_id]": done["id"]})
    assert {task["name"] for task in tasks["data"]} == {"in", "out"}
    tasks = await local.get("/v2/tasks?filter%5Boperation%5D=import%2Fupload")
    assert [task["job_id"] for task in tasks["data"]] == [waiting["id"]]
    assert (await local.get("/v2/tasks?filter[job_id]=unknown"))["data"] == []


async def test_a_task_shows_more_when_asked(local: Local) -> None:
    job = await finished_job(local)
    imported, exported = job["tasks"]
    retry = (await local.http.post(f"/v2/tasks/{exported['id']}/retry")).json()["data"]
    include = {"include": "payload,retries,depends_on_tasks,job"}
    shown = (await local.get(f"/v2/tasks/{exported['id']}", params=include))["data"]
    assert shown["payload"] == {"operation": "export/url", "input": "in"}
    assert [one["id"] for one in shown["retries"]] == [retry["id"]]
    assert [one["id"] for one in shown["depends_on_tasks"]] == [imported["id"]]
    assert shown["job"]["id"] == job["id"]
    assert "payload" not in (await local.get(f"/v2/tasks/{exported['id']}"))["data"]


async def test_lone_tasks_build_on_one_another(local: Local) -> None:
    reply = await local.http.post("/v2/import/raw", json={"file": "hi", "filename": "b.txt"})
    assert reply.status_code == 201
    imported = reply.json()["data"]
    assert imported["job_id"] is None
    assert "name" not in imported
    body = {"input": imported["id"], "operation": "export/url"}
    exported = (await local.http.post("/sync/v2/export/url", json=body)).json()["data"]
    assert exported["status"] == "finished"
    [file] = exported["result"]["files"]
    assert (await local.plain.get(file["url"])).text == "hi"


async def test_a_failed_task_fails_what_depends_on_it_and_nothing_else(local: Local) -> None:
    job = await local.create(
        {
            "bad": {"operation": "import/url", "url": "http://example.com/x"},
            "after": {"operation": "export/url", "input": "bad"},
            "later": {"operation": "export/url", "input": "after"},
            "other": RAW,
            "fine": {"operation": "export/url", "input": "other"},
        }
    )
    ended = await local.ended(job["id"])
    assert ended["status"] == "error"
    assert ended["ended_at"]
    states = {task["name"]: (task["status"], task["code"]) for task in ended["tasks"]}
    assert states == {
        "bad": ("error", "DOWNLOAD_FAILED"),
        "after": ("error", "INPUT_TASK_FAILED"),
        "later": ("error", "INPUT_TASK_FAILED"),
        "other": ("finished", None),
        "fine": ("finished", None),
    }
    assert task_of(ended, "after")["message"] == "Input task has failed"
    assert task_of(ended, "bad")["message"] == "the tests reach nothing outside"


async def test_an_ignored_error_leaves_the_job_finished(local: Local) -> None:
    bad = {"operation": "import/url", "url": "http://example.com/x", "ignore_error": True}
    archive = {"operation": "archive", "input": ["bad", "good"], "output_format": "zip"}
    job = await local.create({"bad": bad, "good": RAW, "zip": archive})
    ended = await local.ended(job["id"])
    assert ended["status"] == "finished"
    assert task_of(ended, "bad")["status"] == "error"
    assert task_of(ended, "zip")["status"] == "finished"


async def test_a_waiting_task_can_be_cancelled_once(local: Local) -> None:
    job = await local.create({"in": UPLOAD, "out": {"operation": "export/url", "input": "in"}})
    path = f"/v2/tasks/{job['tasks'][0]['id']}/cancel"
    reply = await local.http.post(path)
    assert reply.status_code == 200
    cancelled = reply.json()["data"]
    assert (cancelled["status"], cancelled["code"]) == ("error", "CANCELLED")
    assert cancelled["ended_at"]
    ended = await local.ended(job["id"])
    assert ended["status"] == "error"
    assert ended["tasks"][1]["code"] == "INPUT_TASK_FAILED"
    answer = await local.refused(path, None)
    assert answer["errors"] == {"status": ["Cannot change status: task already completed."]}


async def test_a_retry_is_a_new_task_and_the_old_job_stays(local: Local) -> None:
    job = await finished_job(local)
    old = task_of(job, "out")
    reply = await local.http.post(f"/v2/tasks/{old['id']}/retry")
    assert reply.status_code == 201
    new = reply.json()["data"]
    assert new["id"] != old["id"]
    assert (new["job_id"], new["status"]) == (None, "waiting")
    assert new["retry_of_task_id"] == new["copy_of_task_id"] == old["id"]
    assert (await local.until(new["id"], "finished"))["result"]["files"][0]["size"] == 5
    assert await local.ended(job["id"]) == job | {"tasks": (await local.ended(job["id"]))["tasks"]}


async def test_retries_of_imports_get_their_content_or_a_fresh_form(local: Local) -> None:
    job = await local.ended((await local.create({"in": RAW}))["id"])
    new = (await local.http.post(f"/v2/tasks/{job['tasks'][0]['id']}/retry")).json()["data"]
    assert (await local.until(new["id"], "finished"))["result"]["files"][0]["size"] == 5
    waiting = (await local.create({"in": UPLOAD}))["tasks"][0]
    fresh = (await local.http.post(f"/v2/tasks/{waiting['id']}/retry")).json()["data"]
    assert fresh["result"]["form"]["parameters"]["key"].startswith(fresh["id"])


async def test_a_deleted_job_takes_its_tasks_files_and_links_along(
    local: Local, tmp_path: Path
) -> None:
    job = await finished_job(local)
    [file] = task_of(job, "out")["result"]["files"]
    reply = await local.http.delete(f"/v2/jobs/{job['id']}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert (await local.http.get(f"/v2/jobs/{job['id']}")).status_code == 404
    for task in job["tasks"]:
        assert (await local.http.get(f"/v2/tasks/{task['id']}")).status_code == 404
    assert (await local.plain.get(file["url"])).status_code == 404
    assert list((tmp_path / "data" / "tasks").iterdir()) == []


async def test_deleting_the_input_leaves_later_tasks_intact(local: Local) -> None:
    job = await finished_job(local)
    imported, exported = job["tasks"]
    assert (await local.http.delete(f"/v2/tasks/{imported['id']}")).status_code == 204
    assert (await local.plain.get(exported["result"]["files"][0]["url"])).text == "hello"
    await local.http.delete(f"/v2/tasks/{exported['id']}")
    assert (await local.plain.get(exported["result"]["files"][0]["url"])).status_code == 404


async def test_deleting_what_a_task_waits_for_fails_it(local: Local) -> None:
    job = await local.create({"in": UPLOAD, "out": {"operation": "export/url", "input": "in"}})
    await local.http.delete(f"/v2/tasks/{job['tasks'][0]['id']}")
    ended = await local.ended(job["id"])
    assert (ended["status"], ended["tasks"][0]["code"]) == ("error", "INPUT_FILE_NOT_FOUND")


async def test_the_blocking_host_answers_with_the_ended_job(local: Local) -> None:
    tasks = {"in": RAW, "out": {"operation": "export/url", "input": "in"}}
    reply = await local.http.post("/sync/v2/jobs", json={"tasks": tasks})
    assert reply.status_code == 201
    assert reply.json()["data"]["status"] == "finished"
    by_name = {"Host": "sync.api.localhost"}
    reply = await local.http.post("/v2/jobs", json={"tasks": tasks}, headers=by_name)
    assert reply.json()["data"]["status"] == "finished"
    assert reply.json()["data"]["links"]["self"].startswith("http://api.localhost/v2/jobs/")


async def test_the_blocking_host_refuses_jobs_that_wait_for_an_upload(local: Local) -> None:
    answer = await local.refused("/sync/v2/jobs", {"tasks": {"in": UPLOAD}})
    assert list(answer["errors"]) == ["tasks.in.operation"]


async def test_a_redirect_leads_to_the_first_result(local: Local) -> None:
    tasks = {"in": RAW, "out": {"operation": "export/url", "input": "in"}}
    reply = await local.http.post("/sync/v2/jobs", json={"tasks": tasks, "redirect": True})
    assert reply.status_code == 302
    assert (await local.plain.get(reply.headers["location"])).text == "hello"
    job = await local.ended((await local.create({"in": RAW}))["id"])
    reply = await local.http.get(f"/v2/jobs/{job['id']}?redirect=true")
    assert (reply.status_code, reply.json()["code"]) == (422, "INVALID_DATA")


async def test_urls_follow_the_host_that_the_client_used(local: Local) -> None:
    job = await local.create({"in": UPLOAD})
    seen = await local.get(f"/v2/jobs/{job['id']}", headers={"Host": "convert.example:81"})
    assert seen["data"]["links"]["self"].startswith("http://convert.example:81/v2/")
    form = seen["data"]["tasks"][0]["result"]["form"]
    assert form["url"] == "http://convert.example:81/storage/tasks"
    reply = await local.http.get("/v2/users/me", headers={"Host": 'a"b'})
    assert reply.status_code == 400


async def test_operations_list_what_present_engines_serve_without_a_key(local: Local) -> None:
    async def listed(**query: str) -> list[dict[str, Any]]:
        reply: httpx.Response = await local.plain.get("/v2/operations", params=query)
        assert reply.status_code == 200
        assert set(reply.json()) == {"data"}
        found: list[dict[str, Any]] = reply.json()["data"]
        return found

    everything = await listed()
    assert {entry["operation"] for entry in everything} >= {"convert", "merge", "archive"}
    # Each command is of its engine alone; any other pair is listed once, with the best engine.
    pairs = [
        (
            e["operation"],
            e["input_format"],
            e["output_format"],
            e["engine"] * (e["operation"] == "command"),
        )
        for e in everything
    ]
    assert len(pairs) == len(set(pairs))
    query = {"filter[operation]": "convert", "filter[input_format]": "mov"}
    [entry] = await listed(**query, **{"filter[output_format]": "mp4"}, include="options")
    assert (entry["engine"], entry["credits"], entry["deprecated"]) == ("ffmpeg", 1, False)
    options = {option["name"]: option for option in entry["options"]}
    assert options["width"]["type"] == "integer"
    assert options["fit"] == {
        "name": "fit",
        "type": "enum",
        "default": "max",
        "possible_values": ["max", "crop", "scale", "pad"],
    }
    assert "x265" in options["video_codec"]["possible_values"]
    assert options["volume"]["type"] == "float"


async def test_options_show_what_holds_for_the_output_format(local: Local) -> None:
    async def options(output_format: str) -> dict[str, dict[str, Any]]:
        query = {"filter[input_format]": "mov", "filter[output_format]": output_format}
        reply = await local.plain.get("/v2/operations", params={**query, "include": "options"})
        [entry] = reply.json()["data"]
        return {option["name"]: option for option in entry["options"]}

    mp4, webm, mp3 = await options("mp4"), await options("webm"), await options("mp3")
    assert (mp4["video_codec"]["default"], mp4["crf"]["default"]) == ("x264", 23)
    assert (mp4["preset"]["default"], mp4["audio_codec"]["default"]) == ("medium", "aac")
    assert {"copy", "x264", "x265"} <= set(mp4["video_codec"]["possible_values"])
    assert "vp8" not in mp4["video_codec"]["possible_values"]
    assert (webm["video_codec"]["default"], webm["crf"]["default"]) == ("vp9", 32)
    assert mp3["audio_codec"]["possible_values"] == ["copy", "none", "mp3"]
    assert "video_codec" not in mp3


async def test_operations_filter_by_engine_and_show_its_versions(local: Local) -> None:
    query = {"filter[engine]": "ffmpeg", "filter[output_format]": "gif"}
    plain = (await local.get("/v2/operations", params=query))["data"]
    assert {entry["engine"] for entry in plain} == {"ffmpeg"}
    assert not any({"options", "engine_versions"} & set(entry) for entry in plain)
    include = {"include": "engine_versions"}
    [version] = (await local.get("/v2/operations", params={**query, **include}))["data"][0][
        "engine_versions"
    ]
    assert (version["default"], version["latest"], version["deprecated"]) == (True, True, False)
    of_version = {**query, "filter[engine_version]": version["version"]}
    assert (await local.get("/v2/operations", params=of_version))["data"] == plain
    of_none = {**query, "filter[engine_version]": "0.0"}
    assert (await local.get("/v2/operations", params=of_none))["data"] == []


async def test_engines_that_come_second_are_shown_to_those_who_ask(local: Local) -> None:
    query = {"filter[input_format]": "gif", "filter[output_format]": "gif"}
    first = (await local.get("/v2/operations", params=query))["data"]
    every = (await local.get("/v2/operations", params={**query, "alternatives": "true"}))["data"]
    assert [entry["engine"] for entry in first] == ["pillow"]
    assert [entry["engine"] for entry in every] == ["pillow", "ffmpeg"]


async def test_an_empty_filter_filters_nothing(local: Local) -> None:
    await local.create({"in": UPLOAD})
    empty = {"filter[status]": "", "filter[tag]": "", "filter[job_id]": ""}
    assert len((await local.get("/v2/jobs", params=empty))["data"]) == 1
    assert len((await local.get("/v2/tasks", params=empty))["data"]) == 1
    everything = await local.get("/v2/operations")
    assert await local.get("/v2/operations", params={"filter[engine]": ""}) == everything


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/nothing", 404, "NOT_FOUND"),
        ("DELETE", "/sync/v2/some/where", 404, "NOT_FOUND"),
        ("POST", "/v2/nothing", 404, "NOT_FOUND"),
        ("GET", "/elsewhere", 404, "NOT_FOUND"),
        ("PUT", "/v2/jobs", 405, "METHOD_NOT_ALLOWED"),
        ("PATCH", "/v2/tasks/1", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v2/tasks/1/retry", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_a_wrong_path_is_told_from_a_wrong_method(
    local: Local, method: str, path: str, status: int, code: str
) -> None:
    reply = await local.http.request(method, path)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_the_account_is_shown(local: Local) -> None:
    user = (await local.get("/v2/users/me"))["data"]
    recorded = {"id", "username", "email", "created_at", "credits", "links"}
    assert set(user) == recorded | {"paying", "task_priority", "tasks_per_minute"}


async def test_a_url_import_takes_its_name_from_the_answer_or_the_address(tmp_path: Path) -> None:
    job_of = {"operation": "import/url", "url": "http://example.com/a/b%20c.txt?x=1"}
    for name, expected in (("../../evil.txt", "evil.txt"), (None, "b c.txt")):
        fetch = file_fetch(b"data" * 1000, name=name, size=4000)
        async with serving(tmp_path / str(name is None), fetch=fetch) as local:
            job = await local.ended((await local.create({"in": job_of}))["id"])
            files = job["tasks"][0]["result"]["files"]
            assert files == [{"filename": expected, "size": 4000}]


async def test_a_download_that_stops_early_fails(tmp_path: Path) -> None:
    async with serving(tmp_path, fetch=file_fetch(b"half", size=8)) as local:
        task = {"operation": "import/url", "url": "http://example.com/x"}
        job = await local.ended((await local.create({"in": task}))["id"])
    assert job["tasks"][0]["code"] == "DOWNLOAD_FAILED"
    assert job["tasks"][0]["message"] == "The source sent 4 of 8 bytes"


async def test_base64_is_taken_with_a_data_prefix_and_line_breaks(local: Local) -> None:
    task = {
        "operation": "import/base64",
        "file": "data:text/plain;base64,aGVs\nbG8=",
        "filename": "x",
    }
    tasks = {"in": task, "out": {"operation": "export/url", "input": "in"}}
    reply = await local.http.post("/sync/v2/jobs", json={"tasks": tasks})
    [file] = task_of(reply.json()["data"], "out")["result"]["files"]
    assert (await local.plain.get(file["url"])).text == "hello"
