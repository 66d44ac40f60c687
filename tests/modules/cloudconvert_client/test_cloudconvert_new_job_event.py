"""New Job Event: a webhook that is registered, removed, and believed only if it is signed."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cloudconvert_script import GONE, RESET, Script, data, refused
from contexts import World, outputs

from engine.errors import DataError, InvalidAccessTokenError, ModuleError
from engine.module import HookEvent, HookRequest, Refusal, Registration
from modules.cloudconvert.new_job_event import NewJobEvent, NewJobEventFields

URL = "https://hooks.example.test/hooks/0123456789abcdef"
SECRET = "signing-secret-of-the-webhook"
FIELDS = NewJobEventFields(webhook_name="Results", event="job.finished")
JOB = {"id": "j1", "status": "finished", "tasks": [{"id": "t1", "name": "export"}], "new": 1}
KNOWN = Registration({"id": "42"}, (SECRET,))


def body_of(event: str = "job.finished", **more: Any) -> bytes:
    """A delivery as the service writes it: with escaped slashes."""
    return json.dumps({"event": event, "job": JOB, **more}).encode().replace(b"/", b"\\/")


def signed(body: bytes, secret: str = SECRET) -> HookRequest:
    made = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return HookRequest(body, {"cloudconvert-signature": made})


def accepted(
    request: HookRequest, known: Registration = KNOWN, fields: NewJobEventFields = FIELDS
) -> HookEvent | Refusal | None:
    return NewJobEvent().accept(fields, request, known)


def status_of(answer: HookEvent | Refusal | None) -> int:
    assert isinstance(answer, Refusal)
    return answer.status


async def test_the_webhook_is_registered_for_its_one_event() -> None:
    webhook = {"id": 42, "url": URL, "signing_secret": SECRET}
    script = Script({"POST /v2/webhooks": [data(webhook, 201)]})
    async with script.http() as http:
        assert await NewJobEvent().register(FIELDS, URL, http) == KNOWN
    assert script.bodies == [{"url": URL, "events": ["job.finished"]}]


async def test_a_registration_without_a_secret_believes_nobody() -> None:
    script = Script({"POST /v2/webhooks": [data({"id": 42, "signing_secret": None}, 201)]})
    async with script.http() as http:
        known = await NewJobEvent().register(FIELDS, URL, http)
    for secret in (SECRET, "", "None"):
        assert status_of(accepted(signed(body_of(), secret), known)) == 401


async def test_a_key_without_the_scope_is_refused_with_its_reason() -> None:
    said = refused(403, "FORBIDDEN", "Invalid scope(s) provided.")
    script = Script({"POST /v2/webhooks": [said]})
    async with script.http() as http:
        with pytest.raises(InvalidAccessTokenError, match="scope"):
            await NewJobEvent().register(FIELDS, URL, http)


async def test_an_answer_that_is_no_webhook_is_a_data_error() -> None:
    script = Script({"POST /v2/webhooks": [data([])]})
    async with script.http() as http:
        with pytest.raises(DataError, match="no webhook"):
            await NewJobEvent().register(FIELDS, URL, http)


async def test_a_known_webhook_is_removed_by_its_id() -> None:
    script = Script({"DELETE /v2/webhooks/42": [data(None, 204)]})
    async with script.http() as http:
        await NewJobEvent().unregister(URL, {"id": "42"}, http)
    assert script.lines == ["DELETE /v2/webhooks/42"]


async def test_one_that_is_gone_already_is_removed() -> None:
    script = Script({"DELETE /v2/webhooks/42": [GONE]})
    async with script.http() as http:
        await NewJobEvent().unregister(URL, {"id": "42"}, http)
    assert script.lines == ["DELETE /v2/webhooks/42"]


async def test_one_whose_registration_was_lost_is_found_by_its_url_and_no_other_is() -> None:
    listed = [{"id": 7, "url": URL}, {"id": 8, "url": "https://else.example.test/"}]
    script = Script(
        {"GET /v2/webhooks": [data(listed)], "DELETE /v2/webhooks/7": [data(None, 204)]}
    )
    async with script.http() as http:
        await NewJobEvent().unregister(URL, {}, http)
    assert script.lines == ["GET /v2/webhooks", "DELETE /v2/webhooks/7"]
    assert script.queries[0]["filter[url]"] == URL


WEBHOOK = {"id": 42, "url": URL, "events": ["job.finished"], "signing_secret": SECRET}


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([{"id": 7, "url": "https://else.example.test/"}, WEBHOOK], KNOWN),
        ([], None),
        ([WEBHOOK | {"url": "https://else.example.test/"}], None),
        ([WEBHOOK | {"events": ["job.failed"]}], None),
        ([WEBHOOK | {"events": ["job.finished", "job.failed"]}], None),
        ([WEBHOOK | {"signing_secret": None}], None),
        ([WEBHOOK | {"disabled": True}], None),
        ([WEBHOOK | {"id": None}], None),
    ],
)
async def test_a_webhook_is_gone_on_with_if_it_is_as_it_would_be_registered(
    listed: list[dict[str, Any]], found: Registration | None
) -> None:
    script = Script({"GET /v2/webhooks": [data(listed)]})
    async with script.http() as http:
        assert await NewJobEvent().adopt(FIELDS, URL, {}, http) == found
    assert script.queries[0]["filter[url]"] == URL


async def test_a_removal_that_fails_is_told() -> None:
    script = Script({"DELETE /v2/webhooks/42": [RESET]})
    async with script.http() as http:
        with pytest.raises(ModuleError):
            await NewJobEvent().unregister(URL, {"id": "42"}, http)


def test_a_signed_event_is_accepted_with_an_id_of_event_and_job() -> None:
    event = accepted(signed(body_of()))
    assert event == HookEvent("job.finished:j1", {"event": "job.finished", "job": JOB})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cloudconvert-signature": ""},
        {"cloudconvert-signature": "0" * 64},
        {"cloudconvert-signature": "é" * 64},
        {"cloudconvert-signature": hmac.new(b"another", body_of(), "sha256").hexdigest()},
        {"cloudconvert-signature": hmac.new(b"", body_of(), "sha256").hexdigest()},
        {"cloudconvert-signature": hmac.new(SECRET.encode(), b"{}", "sha256").hexdigest()},
        {"cloudconvert-signature": signed(body_of()).headers["cloudconvert-signature"].upper()},
    ],
)
def test_what_is_not_signed_with_the_secret_is_refused(headers: dict[str, str]) -> None:
    assert status_of(accepted(HookRequest(body_of(), headers))) == 401


def test_the_bytes_are_signed_and_not_their_meaning() -> None:
    request = signed(body_of(note="a/b"))
    again = json.dumps(json.loads(request.body)).encode()
    assert json.loads(again) == json.loads(request.body)
    assert status_of(accepted(HookRequest(again, request.headers))) == 401


def test_without_a_secret_nothing_is_signed() -> None:
    for known in (Registration({"id": "42"}), Registration({"id": "42"}, ("",))):
        for secret in ("", SECRET):
            assert status_of(accepted(signed(body_of(), secret), known)) == 401


def test_each_of_several_secrets_may_have_signed() -> None:
    known = Registration({"id": "42"}, ("an older secret", SECRET))
    assert isinstance(accepted(signed(body_of()), known), HookEvent)
    assert isinstance(accepted(signed(body_of(), "an older secret"), known), HookEvent)
    assert status_of(accepted(signed(body_of(), "a stranger's"), known)) == 401


def test_an_event_that_was_not_asked_for_is_nothing() -> None:
    assert accepted(signed(body_of("job.created"))) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b'{"event": "job.finished"}',
        b'{"event": "job.finished", "job": {}}',
        b'{"event": "job.finished", "job": []}',
        b'{"event": "task.finished", "job": {"id": "j1"}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_signed_body_that_tells_no_event_is_refused(body: bytes) -> None:
    assert status_of(accepted(signed(body))) == 422


def test_an_event_of_a_task_is_known_by_its_task() -> None:
    fields = NewJobEventFields(webhook_name="Tasks", event="task.finished")
    body = json.dumps({"event": "task.finished", "task": {"id": "t9"}}).encode()
    event = accepted(signed(body), fields=fields)
    assert isinstance(event, HookEvent)
    assert event.id == "task.finished:t9"


async def test_the_bundle_has_the_event_and_the_job(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.event = {"event": "job.finished", "job": JOB}
    [bundle] = await outputs(NewJobEvent, {"webhook_name": "Results"}, world)
    assert (bundle["event"], bundle["task"]) == ("job.finished", None)
    assert bundle["job"].id == "j1"
    assert bundle["job"].tasks == [{"id": "t1", "name": "export"}]
