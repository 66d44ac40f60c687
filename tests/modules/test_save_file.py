"""`files.save_file` on real folders: nothing is half there, nothing is overwritten unasked."""

import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from contexts import World, outputs
from pydantic import ValidationError

from engine.errors import (
    DataError,
    DuplicateDataError,
    InvalidConfigurationError,
    OutOfSpaceError,
)
from engine.model.bundle import Bundle, File
from engine.plan.coercing import Misfit
from modules.files.save_file import SaveFields, SaveFile


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def content(world: World, text: bytes = b"moov", name: str = "clip.mov") -> File:
    return await world.files.receive(name, _stream(text))


async def save(world: World, file: Any, **fields: Any) -> Bundle:
    bundles = await outputs(SaveFile, {"folder": "outbox", "file": file, **fields}, world)
    assert len(bundles) == 1
    return bundles[0]


def saved(world: World, folder: str = "outbox") -> dict[str, bytes]:
    """Return all that lies in a folder, hidden files too."""
    return {path.name: path.read_bytes() for path in (world.folder / folder).iterdir()}


async def test_a_file_is_saved_in_a_folder_that_is_made_for_it(world: World) -> None:
    file = await content(world)
    bundle = await save(world, file, folder="2026/05/outbox")
    target = world.folder / "2026" / "05" / "outbox" / "clip.mov"
    assert bundle == {"file": file, "path": str(target), "name": "clip.mov", "size": 4}
    assert saved(world, "2026/05/outbox") == {"clip.mov": b"moov"}
    assert world.results == [target]


async def test_name_and_data_may_be_given_apart(world: World) -> None:
    await save(world, {"name": "note.txt", "data": "grüße"})
    await save(world, {"name": "raw.bin", "data": b"\0\xff"})
    await save(world, {"name": "other.mov", "data": await content(world)})
    assert saved(world) == {
        "note.txt": "grüße".encode(),
        "raw.bin": b"\0\xff",
        "other.mov": b"moov",
    }


async def test_a_file_name_comes_before_the_files_own(world: World) -> None:
    bundle = await save(world, await content(world), file_name="film.mp4")
    assert bundle["name"] == "film.mp4"
    assert (bundle["file"].name, bundle["file"].type) == ("film.mp4", "video/mp4")
    assert saved(world) == {"film.mp4": b"moov"}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("/etc/passwd", "_etc_passwd"),
        ("..", "file"),
        ("a\\b\0c\n.txt", "a_bc.txt"),
        ("ann\u202egnp.exe", "anngnp.exe"),
        ("", "file"),
    ],
)
async def test_a_name_from_a_bundle_never_leaves_the_folder(
    world: World, name: str, label: str
) -> None:
    await save(world, {"name": name, "data": "x"})
    assert saved(world) == {label: b"x"}
    await save(world, await content(world, b"x"), file_name=name, overwrite=True)
    assert saved(world) == {label: b"x"}


async def test_a_stored_file_with_a_hostile_name_stays_in_the_folder(world: World) -> None:
    file = await content(world)
    hostile = File("../../x", file.size, file.type, file.sha256, file.path)
    await save(world, hostile)
    assert saved(world) == {".._.._x": b"moov"}


async def test_a_mapped_folder_cannot_climb(world: World) -> None:
    with pytest.raises(DataError, match="climbs"):
        await save(world, await content(world), folder="outbox/../../x")


async def test_another_content_under_the_same_name_is_refused(world: World) -> None:
    await save(world, await content(world, b"first"))
    for other in (b"other", b"longer than the first"):
        with pytest.raises(DuplicateDataError, match=r"clip\.mov exists"):
            await save(world, await content(world, other))
    assert saved(world) == {"clip.mov": b"first"}


async def test_the_same_content_again_is_a_success_and_writes_nothing(world: World) -> None:
    first = await save(world, await content(world))
    before = os.stat(first["path"])
    assert await save(world, await content(world)) == first
    assert os.stat(first["path"]) == before
    assert len(world.results) == 2


async def test_overwriting_replaces_the_content(world: World) -> None:
    await save(world, await content(world, b"first"))
    await save(world, await content(world, b"second"), overwrite=True)
    assert saved(world) == {"clip.mov": b"second"}


@pytest.mark.parametrize("overwrite", [False, True])
async def test_a_link_in_the_place_is_never_followed(world: World, *, overwrite: bool) -> None:
    precious = world.folder / "precious"
    precious.write_bytes(b"precious")
    (world.folder / "outbox").mkdir()
    (world.folder / "outbox" / "clip.mov").symlink_to(precious)
    if overwrite:
        await save(world, await content(world), overwrite=True)
    else:
        with pytest.raises(DuplicateDataError):
            await save(world, await content(world, b"precious"))
    assert precious.read_bytes() == b"precious"


async def test_a_folder_in_the_place_is_an_error(world: World) -> None:
    (world.folder / "outbox" / "clip.mov").mkdir(parents=True)
    with pytest.raises(DuplicateDataError):
        await save(world, await content(world))
    with pytest.raises(DataError, match="directory"):
        await save(world, await content(world), overwrite=True)
    assert os.listdir(world.folder / "outbox") == ["clip.mov"]


async def test_a_file_in_the_place_of_the_folder_is_an_error(world: World) -> None:
    (world.folder / "outbox").write_text("not a folder")
    with pytest.raises(DataError, match="cannot save"):
        await save(world, await content(world))


async def test_what_a_killed_run_left_under_the_hidden_name_is_replaced(world: World) -> None:
    await save(world, await content(world), file_name="first")
    [left] = [call for call in await _hidden_names(world) if call.endswith(".part")]
    (world.folder / "outbox" / left).write_bytes(b"half")
    await save(world, await content(world), file_name="second")
    assert saved(world) == {"first": b"moov", "second": b"moov"}


async def _hidden_names(world: World) -> list[str]:
    """Return what is written to the folder while a file is being saved."""
    seen: list[str] = []
    copy = world.files.copy

    async def watched(file: File, target: Path) -> None:
        await copy(file, target)
        seen.extend(os.listdir(target.parent))

    world.files.copy = watched  # type: ignore[method-assign]
    await save(world, await content(world), file_name="probe", overwrite=True)
    world.files.copy = copy  # type: ignore[method-assign]
    (world.folder / "outbox" / "probe").unlink()
    return seen


async def test_a_file_that_appears_while_one_is_written_is_not_overwritten(world: World) -> None:
    copy = world.files.copy

    async def overtaken(file: File, target: Path) -> None:
        await copy(file, target)
        (target.parent / "clip.mov").write_bytes(b"faster")

    world.files.copy = overtaken  # type: ignore[method-assign]
    with pytest.raises(DuplicateDataError):
        await save(world, await content(world))
    assert saved(world) == {"clip.mov": b"faster"}


async def test_a_disk_without_links_still_never_overwrites(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    await save(world, await content(world))
    with pytest.raises(DuplicateDataError):
        await save(world, await content(world, b"other"))
    assert saved(world) == {"clip.mov": b"moov"}


async def test_a_full_disk_is_an_out_of_space_error_and_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await content(world)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OutOfSpaceError, match="outbox"):
            await save(world, file)
    assert saved(world) == {}
    await save(world, file)
    assert saved(world) == {"clip.mov": b"moov"}


async def test_a_saved_file_is_a_copy_with_the_rights_that_people_expect(world: World) -> None:
    umask = os.umask(0o022)
    try:
        bundle = await save(world, await content(world))
    finally:
        os.umask(umask)
    assert os.stat(bundle["path"]).st_mode & 0o777 == 0o644
    (world.folder / "outbox" / "clip.mov").write_bytes(b"edited")
    assert bundle["file"].path.read_bytes() == b"moov"


@pytest.mark.parametrize(
    "file",
    [None, "clip.mov", 5, {"name": "a"}, {"path": "/etc/passwd"}, ["a"]],
)
def test_what_is_no_file_is_refused(file: Any) -> None:
    with pytest.raises(ValidationError, match="should be a file"):
        SaveFields(folder="outbox", file=file)


def test_a_collection_cannot_pose_as_a_stored_file() -> None:
    posing = {"name": "x", "size": 1, "type": "t", "sha256": "0" * 64, "path": "/etc/passwd"}
    with pytest.raises(ValidationError, match="should be a file"):
        SaveFields.model_validate({"folder": "outbox", "file": posing})


@pytest.mark.parametrize("data", [None, ["x"], {"a": 1}])
async def test_data_that_is_no_content_is_refused(world: World, data: Any) -> None:
    with pytest.raises(Misfit):
        await save(world, {"name": "a.txt", "data": data})


async def test_a_folder_below_a_file_is_told_before_the_run(world: World) -> None:
    (world.folder / "outbox").write_text("no folder")
    with pytest.raises(InvalidConfigurationError, match="outbox is no folder") as caught:
        await SaveFile().initialize({"folder": "outbox/2026"}, world)
    assert caught.value.field == "folder"


async def test_a_folder_without_the_right_to_write_is_told_before_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(InvalidConfigurationError, match="is not writable"):
        await SaveFile().initialize({"folder": "outbox"}, world)


async def test_a_missing_folder_passes_and_is_not_made_before_it_is_needed(world: World) -> None:
    await SaveFile().initialize({"folder": "outbox/2026"}, world)
    await SaveFile().initialize({}, world)
    assert not (world.folder / "outbox").exists()
