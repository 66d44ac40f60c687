"""Make an API Call: on the embedded server, on a faulty wire, and from a scenario's text."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_embedded import RAW, only, server
from cloudconvert_fake import KEY
from cloudconvert_script import RESET, SILENCE, Script, data, refused
from pydantic import ValidationError
from runs import Bench

from engine.errors import (
    DataError,
    InvalidAccessTokenError,
    ModuleError,
    ModuleTimeoutError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Bundle, File
from engine.plan.reference import json_schema
from modules.cloudconvert.make_api_call import MakeApiCall

TASKS = {"url": "/v2/tasks", "method": "GET"}
JOBS = {"url": "/v2/jobs", "method": "POST"}
FILE = File("a.docx", 1, "application/msword", "0" * 64, Path("content"))


async def sent(folder: Path, fields: dict[str, Any]) -> httpx.Request:
    """Run the module and return the request that it sends."""
    script = Script({"GET /v2/tasks": [data([])], "POST /v2/jobs": [data({"id": "j-1"}, 201)]})
    await script.run(MakeApiCall, folder, fields)
    [request] = script.asked
    return request


async def test_a_list_is_under_the_datas_name(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        body = {"tasks": {"in": RAW}, "tag": "order-17"}
        made = await only(MakeApiCall, world, url="/v2/jobs", method="POST", body=body)
        query = {"filter[tag]": "order-17", "per_page": 5}
        listed = await only(MakeApiCall, world, url="v2/jobs", method="GET", query_string=query)
        gone = await only(
            MakeApiCall, world, url=f"/v2/jobs/{made['body']['data']['id']}", method="DELETE"
        )
    assert made["status_code"] == 201
    assert [job["id"] for job in listed["body"]["data"]] == [made["body"]["data"]["id"]]
    assert listed["body"]["meta"]["per_page"] == 5
    assert listed["headers"]["content-type"] == "application/json"
    assert (gone["status_code"], gone["body"]) == (204, None)


async def test_a_jinja_if_inside_the_json_decides_what_is_sent(tmp_path: Path) -> None:
    text = """
        name: Tags
        flow:
          - id: order
            module: tools.basic_trigger
            with: {bundles: [{nr: 17, urgent: true}, {nr: 18, urgent: false}]}
          - id: call
            module: cloudconvert.make_api_call
            with:
              url: /v2/jobs
              method: POST
              body: >-
                {"tag": "{% if order.urgent %}now{% else %}later{% endif %}-{{ order.nr }}",
                 "tasks": {"in": {"operation": "import/upload"}}}
          - module: probe.record
            with: {text: "{{ call.body.data.id }} {{ call.status_code }}"}
    """
    script = Script({"POST /v2/jobs": [data({"id": "j-1"}, 201)]})
    async with script.http() as http:
        bench = Bench(tmp_path, text, http={"call": http})
        await bench.run()
    assert [body["tag"] for body in script.bodies] == ["now-17", "later-18"]
    assert [line.partition(":")[2] for line in bench.seen] == ["j-1 201", "j-1 201"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/v2/tasks", "/v2/tasks"),
        ("v2/tasks", "/v2/tasks"),
        (" /v2/tasks\n", "/v2/tasks"),
        ("/v2/tasks?filter[status]=error&page=2", "/v2/tasks?filter[status]=error&page=2"),
        ("/v2/import/url", "/v2/import/url"),
    ],
)
async def test_a_path_starts_with_the_apis_version(tmp_path: Path, url: str, path: str) -> None:
    script = Script({"GET /v2/tasks": [data([])], "GET /v2/import/url": [data([])]})
    await script.run(MakeApiCall, tmp_path, {**TASKS, "url": url})
    assert str(script.asked[0].url) == f"https://api.example.test{path}"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"url": "https://api.cloudconvert.com/v2/tasks"}, "the connection knows the host"),
        ({"url": "https://evil.test/v2/tasks"}, "the connection knows the host"),
        ({"url": "//evil.test/v2/tasks"}, "the connection knows the host"),
        ({"url": "\\\\evil.test/v2/tasks"}, "the connection knows the host"),
        ({"url": "/\\evil.test/v2/tasks"}, "the connection knows the host"),
        ({"url": "file:/etc/passwd"}, "the connection knows the host"),
        ({"url": "/tasks"}, "with the API's version"),
        ({"url": "/v2"}, "with the API's version"),
        ({"url": "/v2/"}, "with the API's version"),
        ({"url": "/v20/tasks"}, "with the API's version"),
        ({"url": ""}, "with the API's version"),
        ({"url": "@evil.test/v2/"}, "with the API's version"),
        ({"url": "/v2/../admin"}, "does not lead upwards"),
        ({"url": "/v2/%2e%2E/admin"}, "does not lead upwards"),
        ({"url": "/v2/tasks/.."}, "does not lead upwards"),
        ({"url": "/v2/%2e%2e%5cadmin"}, "does not lead upwards"),
        ({"url": "/v2/tasks#x"}, "no spaces"),
        ({"url": "/v2/ta sks"}, "no spaces"),
        ({"url": "/v2/tasks\r\nX-A: b"}, "no spaces"),
        ({"method": "HEAD"}, "'GET', 'POST'"),
        ({"body": {}}, "does not go with"),
        ({"headers": {"Authorization": "Bearer x"}}, "is set by the connection"),
        ({"headers": [{"name": "hOST", "value": "evil.test"}]}, "is set by the connection"),
        ({"headers": '{"authorization": "x"}'}, "is set by the connection"),
        ({"headers": {"Content-Type": "text/plain"}}, "bodies are JSON"),
        ({"headers": "Accept: text/plain"}, "not valid JSON"),
        ({"headers": "5"}, "give a map, or rows"),
        ({"headers": {"X-A": ["b"]}}, "`X-A` must be a text"),
        ({"query_string": {"page": {"a": 1}}}, "`page` must be a text"),
        ({"query_string": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]}, "twice"),
        ({"query_string": [{"field": "a"}]}, "`name` and `value`"),
        ({"query": {}}, "Extra inputs"),
    ],
)
def test_fields_that_do_not_fit_are_refused_before_any_request(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        MakeApiCall.input.model_validate({**TASKS, **fields})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"tag": }', r"not valid JSON: Expecting value at line 1, column 9"),
        ('{"tag": "a "quoted" one"}', "not valid JSON"),
        ('{"a": NaN}', "not valid JSON: NaN"),
        ("[" * 100_000, "nested too deeply"),
        ('"text"', "object or array"),
        ("17", "object or array"),
        (17, "object or array"),
        (FILE, "cannot hold a file"),
        ({"file": FILE}, "cannot hold a file"),
        ({"file": [b"x"]}, "cannot hold a file"),
    ],
)
def test_a_body_that_is_no_json_is_refused_before_any_request(body: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        MakeApiCall.input.model_validate({**JOBS, "body": body})


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ('{"tag": "Straße", "tasks": {"a": [1, 2.5, true, null]}}', None),
        ({"tag": "Straße", "tasks": {"a": [1, 2.5, True, None]}}, None),
        ({"at": datetime(2026, 5, 4, 12, tzinfo=UTC)}, b'{"at":"2026-05-04T12:00:00+00:00"}'),
        ([], b"[]"),
        ({}, b"{}"),
        ("", b""),
        (" \n", b""),
        (None, b""),
    ],
)
async def test_a_body_is_json_text_or_a_value(
    tmp_path: Path, body: Any, content: bytes | None
) -> None:
    request = await sent(tmp_path, {**JOBS, "body": body})
    expected = '{"tag":"Straße","tasks":{"a":[1,2.5,true,null]}}'.encode()
    assert request.content == (expected if content is None else content)
    assert request.headers.get("content-type") == ("application/json" if request.content else None)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Trace": 7, "Content-Type": "application/json; charset=utf-8", "accept": "text/html"},
        [
            {"key": "X-Trace", "value": "7"},
            {"key": "accept", "value": "text/html"},
        ],
        [{"name": "X-Trace", "value": "7"}, {"name": "ACCEPT", "value": "text/html"}],
        '{"X-Trace": "7", "Accept": "text/html"}',
    ],
)
async def test_headers_are_a_map_rows_or_json_and_the_key_is_ours(
    tmp_path: Path, headers: Any
) -> None:
    request = await sent(tmp_path, {**TASKS, "headers": headers})
    assert request.headers["x-trace"] == "7"
    assert request.headers.get_list("accept") == ["text/html"]
    assert request.headers.get_list("authorization") == [f"Bearer {KEY}"]
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    "query",
    [
        {"filter[status]": "error", "page": 2, "include": None, "flag": True},
        [
            {"name": "filter[status]", "value": "error"},
            {"name": "page", "value": 2},
            {"key": "flag", "value": True},
        ],
        '{"filter[status]": "error", "page": 2, "flag": true}',
    ],
)
async def test_a_query_is_a_map_rows_or_json(tmp_path: Path, query: Any) -> None:
    request = await sent(tmp_path, {**TASKS, "url": "/v2/tasks?a=b", "query_string": query})
    expected = {"a": "b", "filter[status]": "error", "page": "2", "flag": "true"}
    assert dict(request.url.params) == expected


@pytest.mark.parametrize("empty", [None, "", {}, []])
async def test_empty_headers_and_queries_are_none(tmp_path: Path, empty: Any) -> None:
    given = {} if empty is None else {"headers": empty, "query_string": empty}
    request = await sent(tmp_path, {**TASKS, **given})
    assert request.url.query == b""


@pytest.mark.parametrize("fields", [TASKS, JOBS])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(400, "BAD_REQUEST", "No."), DataError),
        (refused(401, "UNAUTHENTICATED", "Unauthenticated."), InvalidAccessTokenError),
        (refused(402, "CREDITS_EXCEEDED", "No credits."), ModuleError),
        (refused(402, "PARALLEL_JOB_LIMIT_EXCEEDED", "Too many."), RateLimitError),
        (refused(403, "FORBIDDEN", "Invalid scope(s) provided."), InvalidAccessTokenError),
        (refused(403, "FORBIDDEN", "Not yours."), DataError),
        (refused(404, "NOT_FOUND", "Not found."), DataError),
        (refused(405, "METHOD_NOT_ALLOWED", "No."), DataError),
        (refused(422, "INVALID_DATA", "The given data was invalid."), DataError),
        (refused(429, "TOO_MANY_REQUESTS", "Slow down.", **{"retry-after": "999"}), RateLimitError),
        (httpx.ConnectError("refused"), ServiceConnectionError),
    ],
)
async def test_an_answer_has_the_error_type_of_the_table(
    tmp_path: Path,
    fields: dict[str, str],
    answer: httpx.Response | Exception,
    kind: type[ModuleError],
) -> None:
    script = Script({f"{fields['method']} {fields['url']}": [answer]})
    with pytest.raises(ModuleError) as caught:
        await script.run(MakeApiCall, tmp_path, fields)
    assert type(caught.value) is kind


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(500, "", "Oops."), ServiceConnectionError),
        (RESET, ServiceConnectionError),
        (SILENCE, ModuleTimeoutError),
    ],
)
async def test_a_lost_answer_to_what_may_be_repeated_is_a_connection_error(
    tmp_path: Path, method: str, answer: httpx.Response | Exception, kind: type[ModuleError]
) -> None:
    script = Script({f"{method} /v2/tasks": [answer]})
    with pytest.raises(kind):
        await script.run(MakeApiCall, tmp_path, {**TASKS, "method": method})


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "lost",
    [
        refused(500, "", "Oops."),
        RESET,
        SILENCE,
        httpx.Response(201, content=b'{"da', headers={"content-type": "application/json"}),
    ],
)
async def test_a_lost_answer_to_what_may_not_be_repeated_is_an_unknown_outcome(
    tmp_path: Path, method: str, lost: httpx.Response | Exception
) -> None:
    script = Script({f"{method} /v2/tasks": [lost]})
    with pytest.raises(ModuleError, match="carried out the request is not known") as caught:
        await script.run(MakeApiCall, tmp_path, {**TASKS, "method": method, "body": {}})
    assert (caught.value.type_name, caught.value.storable) == ("OutcomeUnknownError", True)
    assert caught.value.detail["outcome"] == "unknown"
    assert len(script.asked) == 1


async def test_an_answer_that_is_no_json_is_its_text(tmp_path: Path) -> None:
    script = Script({"GET /v2/tasks": [httpx.Response(200, text="pong")]})
    found: list[Bundle] = await script.run(MakeApiCall, tmp_path, TASKS)
    assert found[0]["body"] == "pong"


def test_every_field_and_item_is_described() -> None:
    assert MakeApiCall.output is not None
    for model in (MakeApiCall.input, MakeApiCall.output):
        properties = json_schema(model)["properties"]
        assert [name for name, entry in properties.items() if not entry.get("description")] == []
