"""The file modules against the embedded server: the same code path as against the service."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from clocks import StandingClock
from cloudconvert_embedded import Waiting, server
from contexts import outputs
from local_server import make_clip
from PIL import Image
from wire import sends, serving

from engine.connect.client import HttpClient
from engine.connect.fetch import guarded_fetch
from engine.errors import DataError, InvalidAccessTokenError, ModuleError
from engine.module import Bundle, Connection, Context, Module
from modules.cloudconvert.api import find_job
from modules.cloudconvert.convert_file import ConvertFile
from modules.cloudconvert.create_archive import CreateArchive
from modules.cloudconvert.merge_files import MergeFiles


async def run(module: type[Module[Any, Any]], world: Context, **fields: Any) -> Bundle:
    [bundle] = await outputs(module, {"download_file": True, **fields}, world)
    return bundle


def picture(colour: str = "teal") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(target, "PNG")
    return target.getvalue()


async def test_a_picture_is_converted_with_its_options(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        bundle = await run(
            ConvertFile,
            world,
            input_file="upload",
            file={"name": "Straße 1.png", "data": picture()},
            input_format="png",
            output_format="webp",
            options={"width": "32", "quality": 80},
        )
    assert bundle["status"] == "finished"
    assert bundle["file"].name == "Straße 1.webp"
    with Image.open(bundle["file"].path) as image:
        assert (image.format, image.width) == ("WEBP", 32)


async def test_documents_are_merged_in_their_order(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        bundle = await run(
            MergeFiles,
            world,
            input_files=[
                {"name": "notes.txt", "data": "first"},
                {"file": {"name": "photo.png", "data": picture()}},
            ],
            file_name="all.pdf",
        )
    assert bundle["file"].name == "all.pdf"
    with pikepdf.open(bundle["file"].path) as pdf:
        assert len(pdf.pages) == 2


async def test_an_archive_holds_every_input(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        files = [
            await world.files.file_of({"name": name, "data": content})
            for name, content in (("a.txt", b"one"), ("b.txt", b"two"), ("empty.txt", b""))
        ]
        bundle = await run(CreateArchive, world, input_files=files, output_format="zip")
    with zipfile.ZipFile(bundle["file"].path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.txt": b"one",
            "b.txt": b"two",
            "empty.txt": b"",
        }


async def test_a_damaged_input_is_a_data_error_that_says_what_the_engine_said(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as world:
        with pytest.raises(DataError, match=r"\(Code: ") as caught:
            await run(
                ConvertFile,
                world,
                input_file="upload",
                file={"name": "photo.png", "data": picture()[:60]},
                output_format="jpg",
            )
    assert [task["name"] for task in caught.value.detail["tasks"]] == ["process"]


async def test_a_conversion_that_no_engine_can_do_is_a_data_error(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        with pytest.raises(DataError):
            await run(
                ConvertFile,
                world,
                input_file="upload",
                file={"name": "photo.png", "data": picture()},
                input_format="png",
                output_format="mp3",
            )


async def test_a_url_of_this_machine_is_not_imported(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        with pytest.raises(DataError, match="DOWNLOAD_FAILED"):
            await run(
                ConvertFile,
                world,
                input_file="url",
                url="http://127.0.0.1/secret.png",
                output_format="jpg",
            )


async def test_a_url_is_imported_where_the_operator_allows_it(tmp_path: Path) -> None:
    content = picture()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    async with serving(sends(head + content)) as wire:
        fetch = guarded_fetch(allow_private_networks=True, allowed_ports=[wire.port])
        async with server(tmp_path, fetch) as world:
            bundle = await run(
                ConvertFile,
                world,
                input_file="url",
                url=f"{wire.url}/folder/photo.png?token=1",
                headers={"X-Token": "t"},
                output_format="jpg",
            )
    assert bundle["file"].name == "photo.jpg"
    assert wire.asked[0].headers["x-token"] == "t"


async def test_without_download_the_job_can_be_found_by_its_tag(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        bundle = await run(
            ConvertFile,
            world,
            input_file="upload",
            file={"name": "a.png", "data": picture()},
            output_format="jpg",
            download_file=False,
        )
        found = await find_job(world, world.operation_key)
        assert found is not None
        assert found.id == bundle["id"]
        assert await find_job(world, "another") is None
    assert (bundle["tag"], bundle["file"]) == (world.operation_key, None)


async def test_a_data_folder_may_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(tmp_path / "a.mov")
    monkeypatch.chdir(tmp_path)
    async with server(Path()) as world:
        bundle = await run(
            ConvertFile,
            world,
            input_file="upload",
            file=await world.files.take(Path("a.mov")),
            output_format="mp4",
        )
    assert bundle["file"].name == "a.mp4"


async def test_a_result_past_the_scenarios_limit_is_not_stored(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        small = Waiting(tmp_path / "small", http=world.http, max_file_size=100)
        with pytest.raises(ModuleError, match="exceeds the limit allowed for your scenario"):
            await run(
                ConvertFile,
                small,
                input_file="upload",
                file={"name": "a.txt", "data": "words"},
                output_format="pdf",
            )


async def test_a_wrong_key_is_an_access_token_error(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        wrong = Connection(world.http.base_url, "not-the-key")
        async with HttpClient(wrong, clock=StandingClock()) as http:
            with pytest.raises(InvalidAccessTokenError):
                await find_job(Waiting(tmp_path, http=http), "any")
