"""Capture a Website: its fields, what it sends, and what the embedded server says to it."""

from pathlib import Path
from typing import Any

import pytest
from cloudconvert_embedded import only, server
from cloudconvert_fake import FakeService
from contexts import World
from pydantic import ValidationError

from engine.errors import DataError
from engine.plan.reference import json_schema
from modules.cloudconvert.capture_website import CaptureInput, CaptureWebsite

PAGE = {"url": "https://example.test/page", "output_format": "pdf"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"url": "file:///etc/passwd"}, "http or https"),
        ({"url": None}, "url"),
        ({"output_format": "gif"}, "'pdf', 'jpg' or 'png'"),
        ({"options": {"url": "https://example.test/"}}, "field of its own"),
        ({"options": {"output_format": "png"}}, "is no option"),
        ({"input_file": "upload"}, "Extra inputs"),
    ],
)
def test_fields_of_a_capture_that_do_not_fit_are_refused(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        CaptureInput.model_validate({**PAGE, **fields})


async def test_a_capture_has_no_input_and_sends_its_options(tmp_path: Path) -> None:
    service = FakeService()
    async with service.http() as http:
        bundle = await only(
            CaptureWebsite,
            World(tmp_path, http=http),
            **PAGE,
            file_name="page.pdf",
            headers=[{"name": "X-A", "value": "1"}],
            options={"wait_until": "networkidle0", "margin_top": "5"},
            download_file=True,
        )
    assert service.payloads[0]["tasks"] == {
        "process": {
            "operation": "capture-website",
            **PAGE,
            "headers": {"X-A": "1"},
            "filename": "page.pdf",
            "wait_until": "networkidle0",
            "margin_top": 5,
        },
        "export": {"operation": "export/url", "input": "process"},
    }
    assert bundle["file"].name == "page.pdf"


async def test_the_embedded_server_names_the_engine_that_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with server(tmp_path) as world:
        with pytest.raises(DataError, match=r"engine chrome is not .*: apt install chromium"):
            await only(CaptureWebsite, world, **PAGE)
        reply = await world.http.request("GET", "/operations")
    assert "capture-website" not in {entry["operation"] for entry in reply.body["data"]}


def test_every_field_of_a_capture_is_described() -> None:
    properties = json_schema(CaptureInput)["properties"]
    assert [name for name, about in properties.items() if not about.get("description")] == []
    assert set(CaptureWebsite.absent_items({"download_file": False})) == {"file", "files"}
