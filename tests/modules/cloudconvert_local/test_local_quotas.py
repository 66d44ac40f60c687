"""Limits of an account that can be tried: rates, credits, jobs at once, scopes, the sandbox."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from local_server import TOKEN, UPLOAD, make_picture, serving, task_of

from modules.cloudconvert.local.account import SCOPES, Account, Quotas
from modules.cloudconvert.local.refusal import Refusal
from modules.cloudconvert.local.settings import Limits, Settings

RAW = {"operation": "import/raw", "file": "hello", "filename": "a.txt"}
MADE_JPG = {"operation": "convert", "output_format": "jpg"}
MOMENT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def with_quotas(**quotas: Any) -> Settings:
    return Settings(TOKEN, quotas=Quotas(**quotas))


class Clock:
    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> datetime:
        return self.now


# Rates


async def test_creations_tell_how_many_more_may_come_and_reads_do_not(tmp_path: Path) -> None:
    async with serving(tmp_path, settings=with_quotas(creations_per_minute=4)) as local:
        replies = [
            await local.http.post("/v2/jobs", json={"tasks": {"in": UPLOAD}}),
            await local.http.post("/v2/jobs", json={}),
            await local.http.post("/v2/import/upload", json={}),
        ]
        task = replies[2].json()["data"]["id"]
        replies.append(await local.http.post(f"/v2/tasks/{task}/retry"))
        assert [reply.status_code for reply in replies] == [201, 422, 201, 201]
        assert {reply.headers["x-ratelimit-limit"] for reply in replies} == {"4"}
        left = [reply.headers["x-ratelimit-remaining"] for reply in replies]
        assert left == ["3", "2", "1", "0"]
        assert "x-ratelimit-limit" not in (await local.http.get("/v2/jobs")).headers


async def test_past_the_rate_creations_are_refused_until_the_minute_is_over(tmp_path: Path) -> None:
    clock = Clock()
    settings = with_quotas(creations_per_minute=2)
    async with serving(tmp_path, settings=settings, now=clock) as local:
        await local.create({"in": UPLOAD})
        clock.now += timedelta(seconds=20.5)
        await local.create({"in": UPLOAD})
        refused = await local.http.post("/v2/jobs", content=b"not looked at")
        assert refused.status_code == 429
        assert refused.json()["code"] == "TOO_MANY_REQUESTS"
        assert refused.headers["retry-after"] == "40"
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert (await local.http.get("/v2/jobs")).status_code == 200
        clock.now += timedelta(seconds=40)
        await local.create({"in": UPLOAD})


async def test_a_key_is_asked_for_before_anything_is_counted(tmp_path: Path) -> None:
    async with serving(tmp_path, settings=with_quotas(creations_per_minute=1)) as local:
        assert (await local.plain.post("/v2/jobs", json={})).status_code == 401
        await local.create({"in": UPLOAD})


def test_a_clock_that_jumps_back_does_not_lock_anybody_out() -> None:
    clock = Clock()
    account = Account(Quotas(creations_per_minute=1), clock)
    account.count_creation()
    clock.now -= timedelta(days=1)
    account.count_creation()
    with pytest.raises(Refusal):
        account.count_creation()


def test_a_rate_of_zero_lets_nothing_in() -> None:
    with pytest.raises(Refusal):
        Account(Quotas(creations_per_minute=0), Clock()).count_creation()


async def test_nothing_is_limited_unless_it_is_wanted(tmp_path: Path) -> None:
    async with serving(tmp_path) as local:
        reply = await local.http.post("/v2/jobs", json={"tasks": {"in": UPLOAD}})
        assert int(reply.headers["x-ratelimit-remaining"]) > 100_000
        me = (await local.get("/v2/users/me"))["data"]
        assert me["credits"] == me["tasks_per_minute"] == 1_000_000


# Credits and jobs at once


async def test_credits_run_down_and_then_nothing_that_costs_is_begun(tmp_path: Path) -> None:
    picture = {"a.png": make_picture()}
    async with serving(tmp_path, settings=with_quotas(credits=2)) as local:
        job = await local.run(picture, MADE_JPG)
        assert task_of(job, "process")["credits"] == 1
        assert (await local.get("/v2/users/me"))["data"]["credits"] == 1
        two = {name: MADE_JPG | {"input": "in"} for name in ("p", "q")}
        job = await local.create({"in": UPLOAD} | two)
        late = await local.create({"in": UPLOAD, "p": MADE_JPG | {"input": "in"}})
        await local.upload(job["tasks"][0], "a.png", make_picture())
        await local.ended(job["id"])
        answer = await local.refused("/v2/jobs", {"tasks": {"in": UPLOAD} | two}, 402)
        assert answer == {
            "message": "Your account has run out of conversion minutes",
            "code": "CREDITS_EXCEEDED",
        }
        assert await local.refused("/v2/convert", MADE_JPG | {"input": job["tasks"][0]["id"]}, 402)
        await local.upload(late["tasks"][0], "a.png", make_picture())
        late = await local.ended(late["id"])
        assert task_of(late, "p")["code"] == "INSUFFICIENT_CREDITS"
        await local.create({"in": RAW, "out": {"operation": "export/url", "input": "in"}})


async def test_too_many_jobs_at_once_are_refused_until_one_ends(tmp_path: Path) -> None:
    async with serving(tmp_path, settings=with_quotas(parallel_jobs=2)) as local:
        job = await local.create({"in": UPLOAD})
        task = (await local.http.post("/v2/import/upload", json={})).json()["data"]
        for path, body in (("/v2/jobs", {"tasks": {"in": RAW}}), ("/v2/import/raw", RAW)):
            assert await local.refused(path, body, 402) == {
                "message": "You have started too many jobs at once",
                "code": "PARALLEL_JOB_LIMIT_EXCEEDED",
            }
        await local.http.delete(f"/v2/jobs/{job['id']}")
        await local.http.post(f"/v2/tasks/{task['id']}/cancel")
        await local.ended((await local.create({"in": RAW}))["id"])
        await local.create({"in": UPLOAD})


async def test_sizes_and_times_have_their_codes(tmp_path: Path) -> None:
    settings = Settings(TOKEN, limits=Limits(file_bytes=4))
    async with serving(tmp_path, settings=settings) as local:
        job = await local.create({"in": RAW, "z": {"operation": "archive", "input": "in",
                                                   "output_format": "zip"}})  # fmt: skip
        assert task_of(await local.ended(job["id"]), "z")["code"] == "FILE_TOO_LARGE"


# Scopes


REQUESTS = [
    ("user.read", "GET", "/v2/users/me"),
    ("task.read", "GET", "/v2/jobs"),
    ("task.read", "GET", "/v2/tasks"),
    ("task.read", "GET", "/v2/jobs/x"),
    ("task.read", "GET", "/sync/v2/tasks/x"),
    ("task.write", "POST", "/v2/jobs"),
    ("task.write", "POST", "/v2/convert"),
    ("task.write", "DELETE", "/v2/jobs/x"),
    ("task.write", "POST", "/v2/tasks/x/retry"),
    ("webhook.read", "GET", "/v2/webhooks"),
    ("webhook.read", "GET", "/v2/users/me/webhooks"),
    ("webhook.write", "POST", "/v2/webhooks"),
    ("webhook.write", "DELETE", "/v2/webhooks/1"),
]


@pytest.mark.parametrize("has", [True, False])
async def test_a_key_does_what_its_scopes_say(tmp_path: Path, has: bool) -> None:
    for scope in sorted({scope for scope, _, _ in REQUESTS}):
        scopes = {scope} if has else set(SCOPES) - {scope}
        settings = with_quotas(scopes=frozenset(scopes))
        async with serving(tmp_path, settings=settings) as local:
            for needed, method, path in REQUESTS:
                reply = await local.http.request(method, path)
                assert (reply.status_code == 403) is (needed not in scopes), (scope, path)
                if reply.status_code == 403:
                    assert reply.json() == {
                        "message": "Invalid scope(s) provided.",
                        "code": "FORBIDDEN",
                    }
            assert (
                await local.plain.get("/v2/operations?filter[operation]=none")
            ).status_code == 200


# Sandbox


async def test_a_sandbox_takes_listed_files_for_nothing_and_no_others(tmp_path: Path) -> None:
    listed, other = make_picture(), make_picture(colour="red")
    md5 = hashlib.md5(listed, usedforsecurity=False).hexdigest()
    settings = with_quotas(sandbox_md5s=frozenset({md5}), credits=0)
    async with serving(tmp_path, settings=settings) as local:
        job = await local.create({"in": RAW})
        [task] = (await local.ended(job["id"]))["tasks"]
        assert (task["code"], task["priority"], task["credits"]) == (
            "SANDBOX_FILE_NOT_ALLOWED",
            -10,
            0,
        )
        assert task["message"] == "The file a.txt is not whitelisted for sandbox use"
        upload = (await local.create({"in": UPLOAD}))["tasks"][0]
        assert (await local.upload(upload, "b.png", other)).status_code == 201
        refused = await local.until(upload["id"], "error")
        assert refused["code"] == "SANDBOX_FILE_NOT_ALLOWED"
        upload = (await local.create({"in": UPLOAD}))["tasks"][0]
        assert (await local.upload(upload, "b.png", listed)).status_code == 201
        taken = await local.until(upload["id"], "finished")
        assert taken["result"]["files"] == [{"filename": "b.png", "size": len(listed), "md5": md5}]


async def test_a_sandbox_costs_nothing(tmp_path: Path) -> None:
    picture = make_picture()
    md5s = frozenset({hashlib.md5(picture, usedforsecurity=False).hexdigest()})
    async with serving(tmp_path, settings=with_quotas(sandbox_md5s=md5s, credits=0)) as local:
        job = await local.run({"a.png": picture}, MADE_JPG)
        assert task_of(job, "process")["credits"] == 0
        assert (await local.get("/v2/users/me"))["data"]["credits"] == 0
