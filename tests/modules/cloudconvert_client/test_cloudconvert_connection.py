"""Where a connection leads. Source: CloudConvert API v2, hosts."""

from typing import Any

import httpx
import pytest
from cloudconvert_fake import FakeService, always
from pydantic import ValidationError

from engine.errors import (
    DataError,
    InvalidAccessTokenError,
    ModuleError,
    ServiceConnectionError,
)
from engine.plan.reference import json_schema
from modules.cloudconvert.connection import CloudConvertConnection


def connection(**fields: Any) -> CloudConvertConnection:
    return CloudConvertConnection.model_validate({"api_key": {"env": "KEY"}, **fields})


@pytest.mark.parametrize(
    ("fields", "base", "sync"),
    [
        ({}, "https://api.cloudconvert.com/v2", "https://sync.api.cloudconvert.com/v2"),
        (
            {"sandbox": True},
            "https://api.sandbox.cloudconvert.com/v2",
            "https://sync.api.sandbox.cloudconvert.com/v2",
        ),
        (
            {"region": "eu-central"},
            "https://eu-central.api.cloudconvert.com/v2",
            "https://eu-central.sync.api.cloudconvert.com/v2",
        ),
        (
            {
                "base_url": "http://localhost:8000/v2/",
                "sync_base_url": "http://localhost:8000/sync/v2",
            },
            "http://localhost:8000/v2",
            "http://localhost:8000/sync/v2",
        ),
        ({"base_url": "http://localhost:8000"}, "http://localhost:8000/v2", None),
    ],
)
def test_the_fields_choose_the_hosts(fields: dict[str, Any], base: str, sync: str | None) -> None:
    found = connection(**fields).connect({"api_key": "secret"})
    assert (found.base_url, found.sync_base_url, found.credential) == (base, sync, "secret")
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("fields", "at_once", "per_minute"),
    [
        ({}, 50, 1200),
        ({"sandbox": True}, 50, 1200),
        ({"base_url": "http://localhost:8000"}, 50, None),
        ({"requests_at_once": 5, "requests_per_minute": 60}, 5, 60),
        ({"base_url": "http://localhost:8000", "requests_per_minute": 60}, 50, 60),
    ],
)
def test_a_connection_limits_how_fast_it_asks(
    fields: dict[str, Any], at_once: int, per_minute: int | None
) -> None:
    found = connection(**fields).connect({"api_key": "secret"})
    assert (found.requests_at_once, found.requests_per_minute) == (at_once, per_minute)


def test_every_field_of_a_connection_is_described() -> None:
    properties = json_schema(CloudConvertConnection)["properties"]
    assert [name for name, about in properties.items() if not about.get("description")] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": "written in clear"},
        {"api_key": {"env": "A", "file": "b"}},
        {"base_url": "localhost:8000"},
        {"base_url": "ftp://localhost/"},
        {"base_url": "https://user@host/"},
        {"base_url": "https://host/v2?a=b"},
        {"base_url": "https://host:0/"},
        {"base_url": "https://host:99999/"},
        {"base_url": "https://host/", "region": "us-east"},
        {"base_url": "https://host/", "sandbox": True},
        {"sync_base_url": "https://host/"},
        {"region": "us-east", "sandbox": True},
        {"requests_at_once": 0},
        {"requests_at_once": 257},
        {"requests_per_minute": 0},
        {"region": "evil.test/"},
        {"region": "EU"},
        {"regoin": "us-east"},
    ],
)
def test_fields_that_contradict_each_other_or_lead_astray_are_refused(
    fields: dict[str, Any],
) -> None:
    with pytest.raises(ValidationError):
        connection(**fields)


async def test_one_cheap_request_tests_the_key() -> None:
    service = FakeService()
    async with service.http() as http:
        await connection().test(http)
    assert service.asked == ["GET /v2/jobs"]


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, InvalidAccessTokenError, "no such key"),
        (403, InvalidAccessTokenError, "lacks the scope `task.read`"),
        (404, DataError, "HTTP 404"),
        (500, ServiceConnectionError, "HTTP 500"),
    ],
)
async def test_a_key_or_service_that_does_not_work_is_told(
    status: int, error: type[ModuleError], words: str
) -> None:
    refusal = httpx.Response(status, json={"message": "no such key"})
    service = FakeService(faults={"GET /v2/jobs": always(refusal)})
    async with service.http() as http:
        with pytest.raises(error, match=words):
            await connection().test(http)
