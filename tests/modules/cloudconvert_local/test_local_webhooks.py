"""Webhooks: kept, told in order with a signature, repeated with back-off, over restarts too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hook_receiver import Hook, receiving
from local_server import TOKEN, UPLOAD, Local, serving, task_of

from engine.connect.fetch import guarded_fetch
from modules.cloudconvert.local.embedded import embedded
from modules.cloudconvert.local.hosting import utc_now
from modules.cloudconvert.local.settings import Settings

RAW = {"operation": "import/raw", "file": "hello", "filename": "a/b.txt"}
BROKEN = {"operation": "import/base64", "file": "AAAA", "filename": "a.mov"}
EXPORTED = {"in": RAW, "out": {"operation": "export/url", "input": "in"}}
JOB_EVENTS = ["job.created", "job.finished", "job.failed"]
SOON = (timedelta(milliseconds=1),) * 3


class World:
    """A server whose retries come at once, and the hook of our own that it may reach."""

    def __init__(self, folder: Path, hook: Hook, stack: AsyncExitStack) -> None:
        self.folder, self.hook, self._stack = folder, hook, stack

    async def server(self, *, waits: tuple[timedelta, ...] = SOON) -> Local:
        return await self._stack.enter_async_context(
            serving(
                self.folder,
                fetch=guarded_fetch(hook_origins=[self.hook.url]),
                settings=Settings(TOKEN, webhook_retries=waits, signing_secret="account's"),
            )
        )

    async def stop(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with receiving() as hook, AsyncExitStack() as stack:
        yield World(tmp_path, hook, stack)


async def add(local: Local, url: str, events: Any = tuple(JOB_EVENTS)) -> dict[str, Any]:
    reply = await local.http.post("/v2/webhooks", json={"url": url, "events": list(events)})
    assert reply.status_code == 201, reply.text
    webhook: dict[str, Any] = reply.json()["data"]
    return webhook


async def shown(local: Local, webhook: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await local.get(f"/v2/webhooks/{webhook['id']}"))["data"]
    return found


# Kept


async def test_a_webhook_is_shown_as_recorded(world: World) -> None:
    local = await world.server()
    webhook = await add(local, "https://example.test/a", ["job.finished", "job.finished"])
    assert isinstance(webhook["id"], int)
    assert len(webhook.pop("signing_secret")) >= 32
    assert webhook.pop("created_at") == webhook.pop("updated_at")
    assert webhook == {
        "id": webhook["id"],
        "url": "https://example.test/a",
        "events": ["job.finished"],
        "disabled": False,
        "failing": False,
        "links": {"self": f"{local.root}/v2/webhooks/{webhook['id']}"},
    }
    other = await add(local, "https://example.test/b")
    assert other["signing_secret"] != (await shown(local, webhook))["signing_secret"]


@pytest.mark.parametrize("path", ["/v2/users/me/webhooks", "/v2/webhooks"])
async def test_webhooks_are_listed_filtered_and_paged(world: World, path: str) -> None:
    local = await world.server()
    ids = [(await add(local, f"https://example.test/{n}"))["id"] for n in range(3)]
    assert [one["id"] for one in (await local.get(path))["data"]] == ids[::-1]
    found = await local.get(path, params={"filter[url]": "https://example.test/1"})
    assert [one["id"] for one in found["data"]] == [ids[1]]
    page = await local.get(path, params={"per_page": 2})
    assert page["meta"]["to"] == 2
    following = await local.get(page["links"]["next"])
    assert [one["id"] for one in following["data"]] == [ids[0]]


async def test_a_deleted_webhook_is_gone_and_hears_nothing(world: World) -> None:
    local = await world.server()
    webhook = await add(local, world.hook.url)
    kept = await add(local, world.hook.url + "/kept")
    assert (await local.http.delete(f"/v2/webhooks/{webhook['id']}")).status_code == 204
    assert (await local.http.delete(f"/v2/webhooks/{webhook['id']}")).status_code == 404
    await local.ended((await local.create({"in": RAW}))["id"])
    for _ in range(2):
        assert (await world.hook.next()).is_signed_with(kept["signing_secret"])
    assert world.hook.queue.empty()


async def test_an_unknown_webhook_is_not_found(world: World) -> None:
    local = await world.server()
    for number in ("0", "-1", "x", "1.0", "9" * 40, "%2e%2e", "²"):
        reply = await local.http.get(f"/v2/webhooks/{number}")
        assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")


WRONG: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({}, {"url", "events"}),
    ({"url": "https://a.test", "events": []}, {"events"}),
    ({"url": "https://a.test", "events": "job.finished"}, {"events"}),
    ({"url": "https://a.test", "events": ["job.finished", "job.eaten"]}, {"events.1"}),
    ({"url": "https://a.test", "events": [{"a": []}]}, {"events.0"}),
    ({"url": 5, "events": JOB_EVENTS}, {"url"}),
    ({"url": "ftp://a.test", "events": JOB_EVENTS}, {"url"}),
    ({"url": "http://", "events": JOB_EVENTS}, {"url"}),
    ({"url": "http://[::1", "events": JOB_EVENTS}, {"url"}),
    ({"url": "http://a.test:99999", "events": JOB_EVENTS}, {"url"}),
    ({"url": "https://a.test/" + "a" * 3000, "events": JOB_EVENTS}, {"url"}),
)


async def test_a_wrong_webhook_is_refused_with_its_fields(world: World) -> None:
    local = await world.server()
    for body, fields in WRONG:
        answer = await local.refused("/v2/webhooks", body)
        assert answer["code"] == "INVALID_DATA"
        assert set(answer["errors"]) == fields


# Told


async def test_a_job_is_told_when_it_begins_and_when_it_ends(world: World) -> None:
    local = await world.server()
    webhook = await add(local, world.hook.url)
    job = await local.create(EXPORTED, tag="order-17")
    begun, ended = await world.hook.next(), await world.hook.next()
    assert (begun.event, begun.body["job"]["id"]) == ("job.created", job["id"])
    assert begun.request.line == "POST /hook HTTP/1.1"
    assert begun.request.headers["content-type"] == "application/json"
    assert (ended.event, set(ended.body)) == ("job.finished", {"event", "job"})
    now = (await local.get(f"/v2/jobs/{job['id']}"))["data"]
    assert ended.body["job"] | {"tasks": None} == now | {"tasks": None}
    [file] = task_of(ended.body["job"], "out")["result"]["files"]
    assert (await local.plain.get(file["url"])).text == "hello"
    for one in (begun, ended):
        assert one.is_signed_with(webhook["signing_secret"])
        assert b"\\/" in one.request.body
        assert b"/" not in one.request.body.replace(b"\\/", b"")


async def test_a_failed_job_is_told_as_such_and_only_to_those_who_asked(world: World) -> None:
    local = await world.server()
    await add(local, world.hook.url + "/finished", ["job.finished"])
    await add(local, world.hook.url + "/failed", ["job.failed"])
    tasks = {"in": BROKEN, "p": {"operation": "convert", "input": "in", "output_format": "mp4"}}
    await local.ended((await local.create(tasks))["id"])
    told = await world.hook.next()
    assert (told.event, told.body["job"]["status"]) == ("job.failed", "error")
    assert told.request.line.startswith("POST /hook/failed ")
    assert world.hook.queue.empty()


async def test_tasks_are_told_to_those_who_asked_for_them(world: World) -> None:
    local = await world.server()
    await add(local, world.hook.url, ["task.created", "task.finished", "task.failed"])
    job = await local.create({"in": RAW})
    begun, ended = await world.hook.next(), await world.hook.next()
    assert [begun.event, ended.event] == ["task.created", "task.finished"]
    assert begun.body["task"]["job_id"] == job["id"]
    assert ended.body["task"]["result"]["files"] == [{"filename": "b.txt", "size": 5}]


async def test_a_lone_task_counts_as_a_job_of_one_task(world: World) -> None:
    local = await world.server()
    await add(local, world.hook.url)
    task = (await local.http.post("/sync/v2/import/raw", json=RAW)).json()["data"]
    begun, ended = await world.hook.next(), await world.hook.next()
    assert [begun.event, ended.event] == ["job.created", "job.finished"]
    assert ended.body["job"]["id"] == task["id"]
    assert ended.body["job"]["status"] == "finished"
    assert [one["id"] for one in ended.body["job"]["tasks"]] == [task["id"]]


async def test_a_jobs_own_hook_hears_of_its_end_only(world: World) -> None:
    local = await world.server()
    job = await local.create({"in": RAW}, webhook_url=world.hook.url)
    await local.create({"in": RAW})
    told = await world.hook.next()
    assert (told.event, told.body["job"]["id"]) == ("job.finished", job["id"])
    assert told.is_signed_with("account's")
    answer = await local.refused("/v2/jobs", {"tasks": {"in": RAW}, "webhook_url": "nowhere"})
    assert list(answer["errors"]) == ["webhook_url"]


async def test_a_retry_and_a_cancelled_task_are_told_too(world: World) -> None:
    local = await world.server()
    job = await local.create({"in": UPLOAD})
    await add(local, world.hook.url)
    await local.http.post(f"/v2/tasks/{job['tasks'][0]['id']}/cancel")
    assert await world.hook.events(1) == ["job.failed"]
    await local.http.post(f"/v2/tasks/{job['tasks'][0]['id']}/retry")
    assert await world.hook.events(1) == ["job.created"]


async def test_each_receiver_is_told_in_order_and_none_waits_for_another(world: World) -> None:
    async with receiving() as slow:
        fetch = guarded_fetch(hook_origins=[world.hook.url, slow.url])
        async with serving(world.folder, fetch=fetch) as local:
            slow.hold.clear()
            await add(local, slow.url)
            await add(local, world.hook.url)
            jobs = [await local.create({"in": UPLOAD}, tag=str(n)) for n in range(5)]
            told = [await world.hook.next() for _ in jobs]
            assert [one.body["job"]["tag"] for one in told] == ["0", "1", "2", "3", "4"]
            assert slow.queue.qsize() == 1
            slow.hold.set()
            told = [await slow.next() for _ in jobs]
            assert [one.body["job"]["tag"] for one in told] == ["0", "1", "2", "3", "4"]


# Repeated


@pytest.mark.parametrize("status", [500, 503, 429, 0])
async def test_what_may_get_better_is_tried_three_times_more(world: World, status: int) -> None:
    world.hook.statuses = [status, status, status, 200]
    local = await world.server()
    webhook = await add(local, world.hook.url, ["job.created"])
    await local.create({"in": UPLOAD})
    assert await world.hook.events(4) == ["job.created"] * 4
    assert (await shown(local, webhook))["failing"] is False


async def test_after_three_repeats_a_webhook_counts_as_failing_until_it_answers(
    world: World,
) -> None:
    world.hook.statuses = [500, 500, 500, 500, 200]
    local = await world.server()
    webhook = await add(local, world.hook.url, ["job.created"])
    first = await local.create({"in": UPLOAD})
    told = [await world.hook.next() for _ in range(4)]
    assert {one.body["job"]["id"] for one in told} == {first["id"]}
    while not (await shown(local, webhook))["failing"]:
        pass
    second = await local.create({"in": UPLOAD})
    assert (await world.hook.next()).body["job"]["id"] == second["id"]
    while (await shown(local, webhook))["failing"]:
        pass


@pytest.mark.parametrize("status", [301, 400, 404])
async def test_a_refusal_is_not_repeated(world: World, status: int) -> None:
    world.hook.statuses = [status]
    local = await world.server()
    webhook = await add(local, world.hook.url, ["job.created"])
    await local.create({"in": UPLOAD})
    await world.hook.next()
    while not (await shown(local, webhook))["failing"]:
        pass
    assert world.hook.queue.empty()
    assert (await shown(local, webhook))["disabled"] is False


async def test_a_receiver_that_is_gone_for_good_is_disabled(world: World) -> None:
    world.hook.statuses = [410]
    local = await world.server()
    webhook = await add(local, world.hook.url, ["job.created"])
    for _ in range(3):
        await local.create({"in": UPLOAD})
    while not (await shown(local, webhook))["disabled"]:
        pass
    await local.create({"in": UPLOAD})
    assert world.hook.queue.qsize() <= 3
    other = await add(local, world.hook.url + "/other", ["job.created"])
    await local.create({"in": UPLOAD})
    while not (await shown(local, other))["disabled"]:
        pass
    [*_, last] = [await world.hook.next() for _ in range(world.hook.queue.qsize())]
    assert last.request.line.startswith("POST /hook/other ")


async def test_addresses_of_this_network_are_not_told_unless_they_are_our_own_hook(
    world: World,
) -> None:
    async with receiving() as other:
        local = await world.server()
        webhook = await add(local, other.url, ["job.created"])
        await local.create({"in": UPLOAD})
        while not (await shown(local, webhook))["failing"]:
            pass
        assert other.queue.empty()


async def test_a_run_ends_only_when_its_hooks_were_told(world: World) -> None:
    fetch = guarded_fetch(hook_origins=[world.hook.url])
    heard: list[int] = []
    async with embedded(world.folder, fetch) as server:
        connection = server.connection
        key = {"Authorization": f"Bearer {connection.credential}"}
        async with httpx.AsyncClient(trust_env=False, headers=key) as http:
            body = {"url": world.hook.url, "events": ["job.created"]}
            await http.post(f"{connection.base_url}/webhooks", json=body)
            world.hook.hold.clear()
            await http.post(f"{connection.base_url}/jobs", json={"tasks": {"in": UPLOAD}})
        idle = asyncio.create_task(server.wait_idle(heard.append))
        assert await world.hook.events(1) == ["job.created"]
        assert not idle.done()
        world.hook.hold.set()
        await idle
    assert set(heard) <= {0}


# Over restarts


async def test_the_next_server_goes_on_telling(world: World) -> None:
    world.hook.statuses = [503, 200]
    local = await world.server(waits=(timedelta(hours=1),))
    webhook = await add(local, world.hook.url, ["job.finished"])
    job = await local.create(EXPORTED)
    await local.ended(job["id"])
    assert await world.hook.events(1) == ["job.finished"]
    await world.stop()
    due_now = Moved(timedelta(hours=2))
    async with serving(
        world.folder, fetch=guarded_fetch(hook_origins=[world.hook.url]), now=due_now
    ) as later:
        told = await world.hook.next()
        assert told.is_signed_with(webhook["signing_secret"])
        [file] = task_of(told.body["job"], "out")["result"]["files"]
        assert file["url"].startswith(later.root)


async def test_a_clock_that_is_set_back_does_not_hold_deliveries_up(world: World) -> None:
    world.hook.statuses = [503, 200]
    local = await world.server(waits=(timedelta(hours=1),))
    await add(local, world.hook.url, ["job.created"])
    job = await local.create({"in": UPLOAD})
    await world.hook.next()
    await world.stop()
    set_back = Moved(timedelta(days=-3))
    fetch = guarded_fetch(hook_origins=[world.hook.url])
    slow = Settings(TOKEN, webhook_retries=(timedelta(hours=1),))
    async with serving(world.folder, fetch=fetch, settings=slow, now=set_back):
        assert (await world.hook.next()).body["job"]["id"] == job["id"]


async def test_what_was_under_way_is_told_again(world: World) -> None:
    local = await world.server()
    await add(local, world.hook.url, ["job.created"])
    world.hook.hold.clear()
    await local.create({"in": UPLOAD})
    first = await world.hook.next()
    await world.stop()
    world.hook.hold.set()
    await world.server()
    assert (await world.hook.next()).body["job"]["id"] == first.body["job"]["id"]


async def test_what_was_deleted_is_not_told_any_more(world: World) -> None:
    world.hook.statuses = [500, 200]
    local = await world.server(waits=(timedelta(milliseconds=300),))
    await add(local, world.hook.url, ["job.created"])
    job = await local.create({"in": UPLOAD})
    await world.hook.next()
    await local.http.delete(f"/v2/jobs/{job['id']}")
    other = await local.create({"in": UPLOAD})
    assert (await world.hook.next()).body["job"]["id"] == other["id"]


async def test_webhooks_of_a_dead_servers_numbered_folder_are_taken_over(world: World) -> None:
    first = await world.server()
    kept = await add(first, "https://example.test/first", ["job.failed"])
    world.hook.statuses = [503, 200]
    fetch = guarded_fetch(hook_origins=[world.hook.url])
    slow = Settings(TOKEN, webhook_retries=(timedelta(hours=1),))
    async with serving(world.folder, fetch=fetch, settings=slow) as second:
        webhook = await add(second, world.hook.url, ["job.created"])
        job = await second.create({"in": UPLOAD})
        await world.hook.next()
    await world.stop()
    async with serving(world.folder, fetch=fetch, now=Moved(timedelta(hours=2))) as third:
        told = await world.hook.next()
        assert told.is_signed_with(webhook["signing_secret"])
        assert told.body["job"]["id"] == job["id"]
        urls = {one["url"] for one in (await third.get("/v2/webhooks"))["data"]}
        assert urls == {kept["url"], world.hook.url}


class Moved:
    """A clock that is ahead of the real one."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def __call__(self) -> datetime:
        return utc_now() + self._ahead
