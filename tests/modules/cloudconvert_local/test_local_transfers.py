"""Uploads and downloads: forms of all spellings, forged and stale ones, ranges, flat memory."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from defusedxml import ElementTree
from local_server import TOKEN, UPLOAD, Local, serving, task_of

from modules.cloudconvert.local.multipart import Sink, filename_of, parameters, read_form
from modules.cloudconvert.local.settings import Limits, Settings


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


async def waiting_upload(local: Local, **more: Any) -> dict[str, Any]:
    task: dict[str, Any] = (await local.create({"in": UPLOAD | more}))["tasks"][0]
    return task


async def exported(local: Local, content: bytes, name: str, **more: Any) -> dict[str, Any]:
    """Upload and export a file; return the export's file."""
    export = {"operation": "export/url", "input": "in", **more}
    job = await local.create({"in": UPLOAD, "out": export})
    assert (await local.upload(job["tasks"][0], name, content)).status_code == 201
    file: dict[str, Any] = task_of(await local.ended(job["id"]), "out")["result"]["files"][0]
    return file


async def uploaded_name(local: Local, task: dict[str, Any]) -> str:
    shown = await local.until(task["id"], "finished")
    return str(shown["result"]["files"][0]["filename"])


async def test_an_upload_is_answered_as_the_storage_does(local: Local) -> None:
    task = await waiting_upload(local)
    reply = await local.upload(task, "a b.mov", b"content")
    assert reply.status_code == 201
    assert reply.headers["content-type"].startswith("application/xml")
    answer = ElementTree.fromstring(reply.text)
    assert answer.tag == "PostResponse"
    md5 = hashlib.md5(b"content", usedforsecurity=False).hexdigest()
    assert answer.findtext("ETag") == f'"{md5}"'
    assert answer.findtext("Key") == f"{task['id']}/a b.mov"
    assert reply.headers["etag"] == answer.findtext("ETag")
    done = await local.until(task["id"], "finished")
    assert done["result"] == {"files": [{"filename": "a b.mov", "size": 7}]}
    assert done["message"] is None


def form_body(task: dict[str, Any], disposition: bytes, boundary: bytes) -> bytes:
    """Write a form by hand, with lower-case part headers as the Node SDK does."""
    parts = [
        b'content-disposition: form-data; name="%s"\r\n\r\n%s' % (name.encode(), value.encode())
        for name, value in task["result"]["form"]["parameters"].items()
    ]
    parts.append(disposition + b"\r\ncontent-type: video/quicktime\r\n\r\nDATA\r\n--x\r\n")
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
    return body + b"--%s--\r\n" % boundary


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("content-disposition: form-data; name=file; filename=my film.mov", "my film.mov"),
        ('Content-Disposition: form-data; name="file"; filename="a\\"b.mov"', 'a"b.mov'),
        ("CONTENT-DISPOSITION:form-data;name=file;filename*=UTF-8''%C3%BC.mov", "ü.mov"),
        ('content-disposition: form-data; name="file"; filename="ü.mov"', "ü.mov"),
        ('content-disposition: form-data; name="file"; filename="C:\\x\\y.mov"', "y.mov"),
        ('content-disposition: form-data; name="file"; filename="../../etc/passwd"', "passwd"),
        ('content-disposition: form-data; name="file"; filename=".."', "file"),
        ('content-disposition: form-data; name="file"; filename="a;b.mov"', "a;b.mov"),
    ],
)
async def test_forms_of_every_sdk_are_read(local: Local, disposition: str, name: str) -> None:
    task = await waiting_upload(local)
    body = form_body(task, disposition.encode(), b"a b:c")
    reply = await local.plain.post(
        task["result"]["form"]["url"],
        content=body,
        headers={"content-type": 'multipart/form-data; boundary="a b:c"'},
    )
    assert reply.status_code == 201, reply.text
    assert await uploaded_name(local, task) == name
    done = await local.until(task["id"], "finished")
    assert done["result"]["files"][0]["size"] == len(b"DATA\r\n--x\r\n")


def test_parameters_of_a_header_keep_semicolons_in_quotes() -> None:
    assert parameters('form-data; name="a;b" ; filename=c') == {"name": "a;b", "filename": "c"}
    assert filename_of({"filename*": "nonsense''%ff", "filename": "plain"}) == "plain"
    assert filename_of({"name": "field"}) is None


@pytest.mark.parametrize("field", ["acl", "key", "Policy", "X-Amz-Signature", "X-Amz-Date"])
async def test_a_changed_or_missing_field_is_refused_and_the_task_waits(
    local: Local, field: str
) -> None:
    task = await waiting_upload(local)
    form = task["result"]["form"]
    changed = form["parameters"] | {field: form["parameters"][field] + "x"}
    missing = {name: value for name, value in form["parameters"].items() if name != field}
    for parameters_sent in (changed, missing):
        reply = await local.plain.post(
            form["url"], data=parameters_sent, files={"file": ("a", b"x")}
        )
        assert reply.status_code == 403
        assert ElementTree.fromstring(reply.text).findtext("Code") == "AccessDenied"
    assert (await local.upload(task, "a", b"x")).status_code == 201


async def test_a_policy_for_another_task_does_not_fit(local: Local) -> None:
    first, second = await waiting_upload(local), await waiting_upload(local)
    mixed = first["result"]["form"]["parameters"] | {
        "key": second["result"]["form"]["parameters"]["key"]
    }
    form = {"url": first["result"]["form"]["url"], "parameters": mixed}
    reply = await local.upload({"result": {"form": form}}, "a", b"x")
    assert reply.status_code == 403


async def test_an_old_form_is_refused_and_a_fresh_one_works(tmp_path: Path) -> None:
    moment = [datetime(2026, 1, 5, 9, tzinfo=UTC)]
    async with serving(tmp_path, now=lambda: moment[0]) as local:
        task = await waiting_upload(local)
        policy = orjson.loads(base64.b64decode(task["result"]["form"]["parameters"]["Policy"]))
        assert policy["expiration"] == "2026-01-05T15:00:00Z"
        moment[0] += timedelta(hours=7)
        assert (await local.upload(task, "a", b"x")).status_code == 403
        fresh = (await local.get(f"/v2/tasks/{task['id']}"))["data"]
        assert (await local.upload(fresh, "a", b"x")).status_code == 201


async def test_a_second_upload_is_refused(local: Local) -> None:
    task = await waiting_upload(local)
    assert (await local.upload(task, "a", b"x")).status_code == 201
    assert (await local.upload(task, "b", b"y")).status_code == 403
    assert await uploaded_name(local, task) == "a"


async def test_a_browser_is_sent_on_after_its_upload(local: Local) -> None:
    task = await waiting_upload(local, redirect="https://example.com/done")
    reply = await local.upload(task, "a", b"x")
    assert (reply.status_code, reply.headers["location"]) == (303, "https://example.com/done")


async def test_an_upload_past_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    settings = Settings(TOKEN, limits=Limits(file_bytes=1000))
    async with serving(tmp_path, settings=settings) as local:
        task = await waiting_upload(local)
        reply = await local.upload(task, "a", bytes(5_000_000))
        assert reply.status_code == 400
        assert ElementTree.fromstring(reply.text).findtext("Code") == "EntityTooLarge"
        shown = (await local.get(f"/v2/tasks/{task['id']}"))["data"]
        assert shown["status"] == "waiting"
        assert files_named("upload", tmp_path) == []


def files_named(name: str, folder: Path) -> list[Path]:
    return list(folder.rglob(name))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"rubbish"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\ncontent-disposition: x; name=a\r\n\r\n1\r\n--b--",
        ),
    ],
)
async def test_what_is_no_upload_form_is_a_bad_request(
    local: Local, content_type: str, body: bytes
) -> None:
    reply = await local.plain.post(
        "/storage/tasks", content=body, headers={"content-type": content_type}
    )
    assert reply.status_code == 400
    assert ElementTree.fromstring(reply.text).findtext("Code") == "MalformedPOSTRequest"


async def test_an_upload_that_breaks_off_can_be_repeated(local: Local, tmp_path: Path) -> None:
    task = await waiting_upload(local)
    disposition = b'content-disposition: form-data; name="file"; filename="a"'
    body = form_body(task, disposition, b"b")[:-20]
    host, _, port = local.root.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /storage/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) + 99}\r\n"
    writer.write(head.encode() + b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    while (reply := await local.upload(task, "whole", b"whole")).status_code == 409:
        pass
    assert reply.status_code == 201
    assert await uploaded_name(local, task) == "whole"


# Downloads


@pytest.mark.parametrize(
    ("asked", "status", "content", "content_range"),
    [
        ("", 200, b"0123456789", None),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=0-", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=5-2", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
async def test_parts_of_a_file_can_be_asked_for(
    local: Local, asked: str, status: int, content: bytes, content_range: str | None
) -> None:
    file = await exported(local, b"0123456789", "ten.txt")
    reply = await local.plain.get(file["url"], headers={"range": asked} if asked else {})
    assert (reply.status_code, reply.content) == (status, content)
    assert reply.headers.get("content-range") == content_range
    if status != 416:
        assert reply.headers["content-length"] == str(len(content))
        assert reply.headers["accept-ranges"] == "bytes"


async def test_a_range_of_another_version_gets_the_whole_file(local: Local) -> None:
    file = await exported(local, b"0123456789", "ten.txt")
    tag = (await local.plain.head(file["url"])).headers["etag"]
    for given, status in ((tag, 206), ('"other"', 200)):
        headers = {"range": "bytes=0-1", "if-range": given}
        assert (await local.plain.get(file["url"], headers=headers)).status_code == status


async def test_a_head_request_tells_size_and_type(local: Local) -> None:
    file = await exported(local, b"0123456789", "ten.mp4")
    reply = await local.plain.head(file["url"])
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-length"] == "10"
    assert reply.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize(
    ("name", "inline", "disposition"),
    [
        ("a.txt", False, 'attachment; filename="a.txt"'),
        ("a.txt", True, 'inline; filename="a.txt"'),
        ("ü;.txt", False, f"attachment; filename=\"_;.txt\"; filename*=UTF-8''{quote('ü;.txt')}"),
    ],
)
async def test_a_download_names_its_file(
    local: Local, name: str, *, inline: bool, disposition: str
) -> None:
    file = await exported(local, b"x", name, inline=inline)
    reply = await local.plain.get(file["url"])
    assert reply.headers["content-disposition"] == disposition
    assert reply.headers["x-content-type-options"] == "nosniff"


def forgeries(url: str) -> Iterator[str]:
    yield re.sub(r"expires=\d+", "expires=9999999999", url)
    yield url[:-1] + ("0" if url[-1] != "0" else "1")
    yield url.partition("&signature")[0]
    yield url.partition("?")[0]
    yield url.replace("/0/a.txt", "/1/a.txt")
    yield url.replace("a.txt", "b.txt")
    yield url.replace("a.txt", "%61.txt")
    yield url + "&more=1"
    yield url.replace("?", "?more=1&")


async def test_any_change_of_a_link_is_refused(local: Local) -> None:
    file = await exported(local, b"x", "a.txt")
    for forged in forgeries(file["url"]):
        reply = await local.plain.get(httpx.URL(forged))
        assert reply.status_code == 403, forged
    assert (await local.plain.get(file["url"])).status_code == 200


async def test_a_link_ends_after_a_day(tmp_path: Path) -> None:
    moment = [datetime(2026, 1, 5, 9, tzinfo=UTC)]
    async with serving(tmp_path, now=lambda: moment[0]) as local:
        file = await exported(local, b"x", "a.txt")
        moment[0] += timedelta(hours=24)
        assert (await local.plain.get(file["url"])).status_code == 200
        moment[0] += timedelta(seconds=2)
        assert (await local.plain.get(file["url"])).status_code == 403


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
async def test_a_full_disk_ends_the_upload_with_the_words_of_the_system() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"--b\r\ncontent-disposition: form-data; name=file; filename=a\r\n\r\n"
        for _ in range(40):
            yield bytes(100_000)
        yield b"\r\n--b--\r\n"

    kind = "multipart/form-data; boundary=b"
    with pytest.raises(OSError, match="No space left"):
        await read_form(kind, body(), lambda _fields, _name: Sink(Path("/dev/full"), 1 << 30))
