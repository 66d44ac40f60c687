"""Optimize a File: its fields, what it sends, and its result on the embedded server."""

import io
from pathlib import Path
from typing import Any

import pytest
from cloudconvert_embedded import only, server
from cloudconvert_fake import FakeService
from contexts import World
from PIL import Image
from pydantic import ValidationError

from engine.errors import DataError
from engine.plan.reference import json_schema
from modules.cloudconvert.optimize_file import OptimizeFile, OptimizeInput

UPLOAD = {"input_file": "upload", "file": {"name": "a.pdf", "data": "words"}}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"file": None}, "`file` is required"),
        ({"input_file": "url"}, "`url` is required"),
        ({"optimization_for": "tape"}, "'web', 'print', 'archive', 'mrc' or 'max'"),
        ({"optimization_for": "max", "options": {"profile": "web"}}, "are the same"),
        ({"options": {"input_format": "pdf"}}, "is no option"),
        ({"quality": 80}, "Extra inputs"),
    ],
)
def test_fields_of_an_optimization_that_do_not_fit_are_refused(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        OptimizeInput.model_validate({**UPLOAD, **fields})


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {}),
        (
            {"optimization_for": "mrc", "input_format": "PDF", "file_name": "small.pdf"},
            {"profile": "mrc", "input_format": "pdf", "filename": "small.pdf"},
        ),
        ({"options": [{"name": "quality", "value": "60"}]}, {"quality": 60}),
    ],
)
async def test_an_optimization_sends_what_is_chosen_and_nothing_else(
    tmp_path: Path, fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    service = FakeService()
    async with service.http() as http:
        await only(OptimizeFile, World(tmp_path, http=http), **UPLOAD, **fields)
    assert service.process == {"operation": "optimize", "input": "import-1", **sent}


async def test_a_picture_comes_back_smaller_under_its_own_name(tmp_path: Path) -> None:
    target = io.BytesIO()
    Image.effect_noise((200, 150), 60).convert("RGB").save(target, "JPEG", quality=97)
    file = {"name": "Straße 1.jpg", "data": target.getvalue()}
    async with server(tmp_path) as world:
        bundle = await only(
            OptimizeFile,
            world,
            input_file="upload",
            file=file,
            optimization_for="max",
            download_file=True,
        )
    assert bundle["file"].name == "Straße 1.jpg"
    assert bundle["file"].size < len(target.getvalue())
    with Image.open(bundle["file"].path) as image:
        assert (image.format, image.size) == ("JPEG", (200, 150))


async def test_a_format_that_cannot_be_optimized_is_a_data_error(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        with pytest.raises(DataError, match="INVALID_CONVERSION_TYPE"):
            await only(
                OptimizeFile,
                world,
                input_file="upload",
                file={"name": "a.txt", "data": "words"},
                download_file=True,
            )


def test_every_field_of_an_optimization_is_described() -> None:
    properties = json_schema(OptimizeInput)["properties"]
    assert [name for name, about in properties.items() if not about.get("description")] == []
    assert set(OptimizeFile.absent_items({"download_file": False})) == {"file", "files"}
