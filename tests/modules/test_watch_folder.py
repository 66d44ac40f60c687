"""`files.watch_folder` on real folders, with a clock that stands."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contexts import NOON, World, outputs
from pydantic import ValidationError

from engine.errors import (
    IncompleteDataError,
    InvalidConfigurationError,
    MaxFileSizeExceededError,
    ModuleError,
)
from engine.model.bundle import File
from modules.files.watch_folder import WatchFields, WatchFolder


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "inbox").mkdir()
    return World(tmp_path)


def put(
    world: World, name: str, text: str = "x", *, age: float = 60, folder: str = "inbox"
) -> Path:
    """Write a file that was last changed `age` seconds before the clock."""
    path = world.folder / folder / name
    path.write_text(text)
    moment = world.time.timestamp() - age
    os.utime(path, (moment, moment))
    return path


async def taken(world: World, **fields: Any) -> list[str]:
    return [bundle["name"] for bundle in await outputs(WatchFolder, _with(fields), world)]


def _with(fields: dict[str, Any]) -> dict[str, Any]:
    return {"folder": "inbox"} | fields


async def test_files_come_oldest_first_then_by_name(world: World) -> None:
    for name, age in (("new", 10), ("b", 20), ("a", 20), ("old", 30)):
        put(world, name, age=age)
    assert await taken(world) == ["old", "a", "b", "new"]


async def test_a_bundle_has_the_file_and_where_it_lay(world: World) -> None:
    path = put(world, "clip.mov", "moov", age=90)
    [bundle] = await outputs(WatchFolder, {"folder": "inbox"}, world)
    assert isinstance(bundle["file"], File)
    assert bundle["file"].path.read_text() == "moov"
    assert bundle["file"].type == "video/quicktime"
    assert {key: bundle[key] for key in ("name", "path", "size", "modified_at")} == {
        "name": "clip.mov",
        "path": str(path),
        "size": 4,
        "modified_at": NOON - timedelta(seconds=90),
    }


@pytest.mark.parametrize(("limit", "total"), [(None, 3), (2, 2), (10, 3)])
async def test_how_many_files_will_come_is_told(
    world: World, limit: int | None, total: int
) -> None:
    for name in ("a", "b", "c"):
        put(world, name)
    await taken(world, limit=limit)
    assert world.told == [(0, total, "")]


async def test_a_file_is_taken_once(world: World) -> None:
    put(world, "a")
    assert await taken(world) == ["a"]
    assert await taken(world) == []


@pytest.mark.parametrize("change", [{"text": "longer"}, {"age": 30}])
async def test_a_changed_file_is_new(world: World, change: dict[str, Any]) -> None:
    put(world, "a")
    await taken(world)
    put(world, "a", **change)
    assert await taken(world) == ["a"]


async def test_the_pattern_is_about_names(world: World) -> None:
    for name in ("a.mov", "b.MOV", "c.mp4", "d.mov.txt"):
        put(world, name)
    assert await taken(world, pattern="*.mov") == ["a.mov"]
    assert await taken(world, pattern="*.[mM][oOpP]*") == ["b.MOV", "c.mp4", "d.mov.txt"]


def test_a_pattern_with_a_folder_is_refused() -> None:
    with pytest.raises(ValidationError, match="folder"):
        WatchFields(folder="inbox", pattern="2026/*.mov")


async def test_hidden_files_folders_and_links_are_left_alone(world: World) -> None:
    put(world, ".a.mov.part")
    secret = put(world, "secret", folder=".")
    inbox = world.folder / "inbox"
    (inbox / "link").symlink_to(secret)
    (inbox / "folder").mkdir()
    put(world, "deep", folder="inbox/folder")
    os.mkfifo(inbox / "pipe")
    put(world, "a")
    assert await taken(world) == ["a"]
    assert await taken(world, pattern=".*") == [".a.mov.part"]


async def test_a_limit_leaves_the_rest_for_the_next_cycle(world: World) -> None:
    for number in range(3):
        put(world, str(number), age=60 - number)
    assert await taken(world, limit=2) == ["0", "1"]
    assert await taken(world, limit=2) == ["2"]


async def test_start_now_passes_by_what_is_there(world: World) -> None:
    put(world, "before")
    assert await taken(world, start="now") == []
    put(world, "after", age=600)
    assert await taken(world, start="now") == ["after"]
    put(world, "before", "changed")
    assert await taken(world, start="now") == ["before"]


@pytest.mark.parametrize(
    "since",
    ["2026-05-04T12:00:00", "2026-05-04T14:00:00+02:00", datetime(2026, 5, 4, 12, tzinfo=UTC)],
)
async def test_start_since_passes_by_what_is_older(world: World, since: object) -> None:
    world.time = NOON + timedelta(hours=1)
    put(world, "older", age=3601)
    put(world, "at that moment", age=3600)
    assert await taken(world, start={"since": since}) == ["at that moment"]


async def test_a_young_file_is_taken_when_a_second_look_agrees(world: World) -> None:
    put(world, "settled", age=3)
    put(world, "young", age=1)
    assert await taken(world) == ["settled", "young"]
    assert world.slept == [timedelta(seconds=1)]


async def test_a_settled_file_is_taken_without_waiting(world: World) -> None:
    put(world, "settled", age=2.5)
    assert await taken(world) == ["settled"]
    assert world.slept == []


class Growing(World):
    """While the trigger waits, somebody goes on writing to `growing` and takes `gone` away."""

    async def sleep(self, wait: timedelta) -> None:
        await super().sleep(wait)
        put(self, "growing", "more and more", age=0)
        (self.folder / "inbox" / "gone").unlink(missing_ok=True)


async def test_a_file_that_still_grows_is_left_for_the_next_cycle(world: World) -> None:
    growing = Growing(world.folder)
    for name in ("growing", "gone", "young"):
        put(growing, name, age=1)
    assert await taken(growing) == ["young"]
    growing.time += timedelta(seconds=10)
    assert await taken(growing) == ["growing"]


async def test_a_file_of_the_future_needs_the_second_look(world: World) -> None:
    put(world, "tomorrow", age=-86400)
    assert await taken(world) == ["tomorrow"]
    assert world.slept == [timedelta(seconds=1)]


async def test_marks_of_files_that_are_gone_are_removed(world: World) -> None:
    path = put(world, "a")
    await taken(world)
    assert list(world.cursor.keys()) == ["inbox/a"]
    path.unlink()
    assert await taken(world) == []
    assert list(world.cursor.keys()) == []


async def test_marks_of_another_folder_stay(world: World) -> None:
    (world.folder / "other").mkdir()
    put(world, "a")
    put(world, "a", folder="other")
    await taken(world)
    assert await taken(world, folder="other") == ["a"]
    assert await taken(world) == []


async def test_marks_outside_the_scenarios_folder_are_absolute(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    far = tmp_path_factory.mktemp("far")
    world.folder.joinpath("up").symlink_to(far)
    put(world, "a", folder="up")
    assert await taken(world, folder=str(far)) == ["a"]
    assert list(world.cursor.keys()) == [f"{far}/a"]


async def test_a_file_that_was_not_worked_off_comes_again(world: World) -> None:
    put(world, "a", age=20)
    put(world, "b", age=10)
    bundles = WatchFolder().execute(WatchFields(folder="inbox"), world)
    assert (await anext(bundles)).name == "a"
    assert list(world.cursor.keys()) == ["inbox/a"]
    await bundles.aclose()  # type: ignore[attr-defined]
    assert await taken(world) == ["b"]


async def test_a_name_that_is_no_utf8_is_taken_with_a_readable_name(world: World) -> None:
    path = os.fsencode(world.folder / "inbox") + b"/caf\xe9.mov"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    except OSError:
        pytest.skip("this disk takes UTF-8 names only")
    os.utime(path, (0, 0))
    [bundle] = await outputs(WatchFolder, {"folder": "inbox"}, world)
    assert bundle["name"] == "caf.mov"
    assert bundle["path"].endswith("caf\\xe9.mov")
    assert await taken(world) == []


@pytest.mark.parametrize("folder", ["missing", "file", "file/below"])
async def test_a_folder_that_cannot_be_read_is_an_error_with_advice(
    world: World, folder: str
) -> None:
    put(world, "file", folder=".")
    with pytest.raises(InvalidConfigurationError, match="folder") as failure:
        await taken(world, folder=folder)
    assert failure.value.notes


async def test_a_mapped_folder_cannot_climb(world: World) -> None:
    with pytest.raises(ModuleError, match="climbs"):
        await taken(world, folder="inbox/../../etc")


async def test_a_missing_folder_forgets_nothing(world: World) -> None:
    put(world, "a")
    await taken(world)
    (world.folder / "inbox").rename(world.folder / "away")
    with pytest.raises(InvalidConfigurationError):
        await taken(world)
    (world.folder / "away").rename(world.folder / "inbox")
    assert await taken(world) == []


async def test_an_unreadable_file_fails_before_anything_is_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, "a", age=90)
    put(world, "closed")
    monkeypatch.setattr(os, "access", lambda path, _mode: path.name != "closed")  # root may all
    with pytest.raises(IncompleteDataError, match="closed"):
        await taken(world)
    assert list(world.cursor.keys()) == []


async def test_a_file_past_the_scenarios_limit_is_an_error(world: World) -> None:
    small = World(world.folder, max_file_size=3)
    put(small, "big", "1234")
    with pytest.raises(MaxFileSizeExceededError, match="big"):
        await taken(small)


@pytest.mark.parametrize("place", ["gone", "letter.txt"])
async def test_a_folder_that_cannot_be_read_is_told_before_the_run(
    world: World, place: str
) -> None:
    (world.folder / "letter.txt").write_text("no folder")
    with pytest.raises(InvalidConfigurationError, match="cannot read the folder") as caught:
        await WatchFolder().initialize({"folder": place}, world)
    assert caught.value.field == "folder"


async def test_a_folder_that_is_there_or_is_not_known_yet_passes(world: World) -> None:
    await WatchFolder().initialize({"folder": "."}, world)
    await WatchFolder().initialize({}, world)
