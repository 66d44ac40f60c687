"""Films and sound by a real ffmpeg, checked by asking it what came out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from local_server import (
    TOKEN,
    UPLOAD,
    Local,
    describe,
    make_clip,
    make_damaged_clip,
    serving,
    task_of,
)

from modules.cloudconvert.local import inventory
from modules.cloudconvert.local.settings import Limits, Settings


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mov", size="640x360")


def convert(output_format: str, **options: Any) -> dict[str, Any]:
    return {"operation": "convert", "output_format": output_format, **options}


async def test_a_film_becomes_hevc_that_apple_players_know(
    local: Local, clip: Path, tmp_path: Path
) -> None:
    wanted = convert("mp4", input_format="mov", video_codec="x265", width=320, height=200)
    job = await local.run({"clip.mov": clip}, wanted)
    task = task_of(job, "process")
    assert (task["engine"], task["credits"], task["percent"]) == ("ffmpeg", 1, 100)
    [file] = task_of(job, "export")["result"]["files"]
    content = (await local.plain.get(file["url"])).content
    assert file == file | {"filename": "clip.mp4", "size": len(content)}
    seen = describe(tmp_path / "clip.mp4", content)
    assert "Video: hevc" in seen
    assert "hvc1" in seen
    assert "320x180" in seen
    assert "Audio: aac" in seen
    # The index stands in front, so that players start before they have everything.
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(
    ("output_format", "options", "signs"),
    [
        ("mkv", {"video_codec": "x264", "crf": 30, "preset": "ultrafast"}, ("matroska", "h264")),
        ("webm", {"width": 160, "preset": "ultrafast"}, ("Video: vp9", "Audio: opus", "160x90")),
        ("avi", {"video_codec": "mpeg4", "audio_codec": "none"}, ("avi", "Video: mpeg4")),
        ("gif", {"width": 100, "fps": 5}, ("Video: gif", "5 fps")),
        ("mp3", {"audio_bitrate": 64}, ("Audio: mp3", "64 kb/s")),
        ("wav", {"sample_rate": 8000, "channels": 1}, ("pcm_s16le", "8000 Hz, mono")),
        ("m4a", {"trim_start": "00:00:00.2", "trim_end": "00:00:00.7"}, ("Audio: aac", "00:00.5")),
        ("mp4", {"video_codec": "copy", "audio_codec": "copy"}, ("h264", "640x360")),
        ("mp4", {"width": 100, "height": 100, "fit": "crop"}, ("100x100",)),
        ("mp4", {"width": 101, "height": 75, "fit": "pad"}, ("100x74",)),
        ("mp4", {"width": 64, "height": 64, "fit": "scale"}, ("64x64",)),
        ("mp4", {"width": 4000, "height": 4000}, ("640x360",)),
    ],
)
async def test_media_options_do_what_they_say(
    local: Local,
    clip: Path,
    tmp_path: Path,
    output_format: str,
    options: dict[str, Any],
    signs: tuple[str, ...],
) -> None:
    results = await local.results({"clip.mov": clip}, convert(output_format, **options))
    [(name, content)] = results.items()
    assert name == f"clip.{output_format}"
    seen = describe(tmp_path / name, content)
    assert [sign for sign in signs if sign not in seen] == [], seen


async def test_a_damaged_film_fails_with_the_words_of_ffmpeg(local: Local, tmp_path: Path) -> None:
    damaged = make_damaged_clip(tmp_path / "damaged.mov")
    task = await local.failure({"damaged.mov": damaged}, convert("mp4", input_format="mov"))
    assert (task["status"], task["code"], task["result"]) == ("error", "OPEN_FAILED", None)
    assert "moov atom not found" in task["message"]
    assert str(tmp_path) not in task["message"]
    assert task["credits"] == 0


async def test_a_film_without_sound_makes_no_sound_file(local: Local, tmp_path: Path) -> None:
    silent = make_clip(tmp_path / "silent.mp4", sound=False)
    task = await local.failure({"silent.mp4": silent}, convert("mp3"))
    assert (task["code"], task["message"]) == ("CONVERSION_FAILED", "The input file has no sound")


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.ts"])
async def test_playlists_open_no_other_file(local: Local, tmp_path: Path, name: str) -> None:
    secret = make_clip(tmp_path / "secret.ts")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    task = await local.failure({name: playlist.encode()}, convert("mp4", input_format="mp4"))
    assert task["code"] in ("OPEN_FAILED", "CONVERSION_FAILED")


async def test_without_ffmpeg_the_install_line_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(inventory, "find_spec", lambda _name: None)
    async with serving(tmp_path / "data") as local:
        for formats in ({"input_format": "mov"}, {}):
            tasks = {"i": UPLOAD, "p": convert("mp4", input="i", **formats)}
            answer = await local.refused("/v2/jobs", {"tasks": tasks})
            assert answer["code"] == "ENGINE_MISSING"
            assert "pip install 'fusion-runner[video]'" in answer["message"]
            assert list(answer["errors"]) == ["tasks.p.output_format"]
        task = await local.failure({"a.mov": b"\0\0\0\x14ftypqt  "}, convert("gif"))
        assert task["code"] == "ENGINE_MISSING"
        listed = await local.get("/v2/operations")
        assert "ffmpeg" not in {entry["engine"] for entry in listed["data"]}


async def test_a_conversion_past_its_timeout_is_ended(local: Local, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "long.mov", seconds=20)
    slow = {"video_codec": "x265", "preset": "veryslow", "width": 1920, "height": 1080}
    wanted = convert("mp4", timeout=1, fit="scale", **slow)
    task = await local.failure({"long.mov": clip}, wanted)
    assert task["code"] == "TIMEOUT"
    assert not (tmp_path / "data" / "tasks" / task["id"] / "work").exists()


async def test_a_result_past_the_limit_ends_the_engine(tmp_path: Path) -> None:
    settings = Settings(TOKEN, limits=Limits(output_bytes=50_000))
    clip = make_clip(tmp_path / "clip.mov")
    async with serving(tmp_path / "data", settings=settings) as local:
        task = await local.failure({"clip.mov": clip}, convert("wav", sample_rate=192_000))
    assert task["code"] in ("CONVERSION_FAILED", "FILE_TOO_LARGE")
