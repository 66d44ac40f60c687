"""Links that hold a job: signed, run when they are opened, and used again by their cache key."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from local_server import TOKEN, UPLOAD, Local, serving, task_of

from modules.cloudconvert.local.refusal import Refusal
from modules.cloudconvert.local.settings import Settings
from modules.cloudconvert.local.signed_urls import decoded_job

SECRET = "secret of links"
RAW = {"operation": "import/raw", "file": "hello>>>???", "filename": "a.txt"}
JOB = {"tasks": {"in": RAW, "out": {"operation": "export/url", "input": "in"}}, "tag": "linked"}


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data", settings=Settings(TOKEN, signing_secret=SECRET)) as made:
        yield made


def link(root: str, job: Any, more: str = "", secret: str = SECRET) -> str:
    text = base64.urlsafe_b64encode(json.dumps(job).encode()).decode()
    url = f"{root}/s/local?job={text}{more}"
    return f"{url}&s={hmac.new(secret.encode(), url.encode(), 'sha256').hexdigest()}"


async def opened(local: Local, url: str) -> httpx.Response:
    return await local.plain.get(url, follow_redirects=True)


async def jobs(local: Local) -> list[Mapping[str, Any]]:
    listed: list[Mapping[str, Any]] = (await local.get("/v2/jobs"))["data"]
    return listed


async def test_whoever_opens_a_link_gets_the_file_without_a_key(local: Local) -> None:
    reply = await opened(local, link(local.root, JOB))
    assert (reply.status_code, reply.text) == (200, "hello>>>???")
    assert [reply.history[0].status_code, len(reply.history)] == [302, 1]
    assert (await jobs(local))[0]["tag"] == "linked"


async def test_each_opening_makes_a_job_unless_a_cache_key_names_one(local: Local) -> None:
    for _ in range(2):
        await opened(local, link(local.root, JOB))
    for _ in range(3):
        assert (await opened(local, link(local.root, JOB, "&cache_key=a"))).status_code == 200
    await opened(local, link(local.root, JOB, "&cache_key=b"))
    found = await jobs(local)
    assert len(found) == 4
    await local.http.delete(f"/v2/jobs/{found[1]['id']}")
    assert (await opened(local, link(local.root, JOB, "&cache_key=a"))).status_code == 200
    assert len(await jobs(local)) == 4


async def test_any_change_of_a_link_is_refused(local: Local) -> None:
    good = link(local.root, JOB, "&cache_key=a")
    changed = [
        good.replace("cache_key=a", "cache_key=b"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.rpartition("&s=")[0],
        good.rpartition("&s=")[0] + "&s=",
        link(local.root, JOB, secret=""),
        link("http://example.test", JOB).replace("http://example.test", local.root),
        good + "&job=e30",
        good.replace("&s=", "&s=%C3%A9"),
    ]
    for url in changed:
        reply = await local.plain.get(url)
        assert (reply.status_code, reply.json()["code"]) == (403, "FORBIDDEN"), url
    assert await jobs(local) == []


async def test_a_key_with_signs_in_it_is_signed_as_it_was_written(local: Local) -> None:
    url = link(local.root, JOB, "&cache_key=ä b")
    sent = url.replace("ä b", quote("ä b"))
    assert (await opened(local, sent)).status_code == 200


@pytest.mark.parametrize(
    ("job", "place"),
    [
        ({}, "tasks"),
        ([], "job"),
        ({"tasks": {"in": UPLOAD}}, "tasks.in.operation"),
        ({"tasks": {"in": RAW}}, "job"),
        ({"tasks": {"in": {"operation": "dance"}}}, "tasks.in.operation"),
    ],
)
async def test_a_signed_link_to_what_gives_no_file_is_refused(
    local: Local, job: Any, place: str
) -> None:
    reply = await opened(local, link(local.root, job))
    assert (reply.status_code, list(reply.json()["errors"])) == (422, [place])


async def test_a_link_whose_job_fails_says_why_and_is_not_cached(local: Local) -> None:
    tasks = {
        "in": RAW,
        "p": {"operation": "convert", "input": "in", "input_format": "png", "output_format": "jpg"},
        "out": {"operation": "export/url", "input": "p"},
    }
    url = link(local.root, {"tasks": tasks}, "&cache_key=a")
    for count in (1, 2):
        reply = await opened(local, url)
        assert reply.status_code == 422
        [text] = reply.json()["errors"]["job"]
        assert "(Code: " in text
        assert "INPUT_TASK_FAILED" not in text
        assert len(await jobs(local)) == count
    [*_, failed] = [await local.ended(str(one["id"])) for one in await jobs(local)]
    assert task_of(failed, "out")["code"] == "INPUT_TASK_FAILED"


@pytest.mark.parametrize("text", ["", "=", "%%%", "bm8=", "é", "e3", "W10=", "x" * 4097])
def test_what_is_no_job_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        decoded_job(text)


def test_every_way_to_write_base64_is_read() -> None:
    job = {"a": "???>>>ÿÿ~~"}
    plain = base64.b64encode(json.dumps(job, ensure_ascii=False).encode()).decode()
    safe = plain.replace("+", "-").replace("/", "_")
    assert plain != safe
    half = plain.replace("+", "-", 1).replace("/", "_", 1)
    for text in (plain, safe, half, safe.rstrip("="), plain.replace("+", " ")):
        assert decoded_job(text) == job
