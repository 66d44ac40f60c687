"""command: what is let through, what is not, and what comes out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from local_server import UPLOAD, Local, describe, make_clip, make_picture, serving, task_of

from modules.cloudconvert.local.converters.command_words import NotAllowed
from modules.cloudconvert.local.converters.ffmpeg_command import allowed


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def command(arguments: str, **more: Any) -> dict[str, Any]:
    fixed = {"operation": "command", "engine": "ffmpeg", "command": "ffmpeg"}
    return {**fixed, "arguments": arguments, **more}


IN = "-i /input/import-1/a.mp4"


@pytest.mark.parametrize(
    "arguments",
    [
        f"{IN} /output/b.mp4",
        f"-y -ss 1 {IN} -t 2 -c:v libx264 -crf 30 -c:a copy -map 0:v:0 -map 0:a? /output/b.mkv",
        f"{IN} -vf scale=-2:240,fps=10 -an /output/b.mp4",
        f"{IN} -vf \"scale='min(320,iw)':-2,crop=iw/2:ih/2:(iw-ow)/2:0\" /output/b.mp4",
        f"{IN} -filter_complex '[0:v]split[a][b];[a]palettegen[p];[b][p]paletteuse' /output/b.gif",
        f"{IN} -filter_complex '[0:v:0]scale=100:50[x];[x]hflip@a[out]' -map '[out]' /output/b.mp4",
        f"{IN} -metadata title='A film: in /tmp' -movflags +faststart /output/b.mp4",
        f"{IN} -r 30000/1001 -aspect 16:9 /output/%03d.png",
        f"{IN} -af volume=0.5,afade=t=in:d=1 -f mp3 /output/b.mp3",
    ],
)
def test_what_people_do_with_ffmpeg_is_let_through(arguments: str) -> None:
    assert allowed(arguments).words


@pytest.mark.parametrize(
    "arguments",
    [
        "-i /etc/passwd /output/b.mp4",
        "-i /input/../../etc/passwd /output/b.mp4",
        "-i /input/a/../b /output/b.mp4",
        "-i http://127.0.0.1/ /output/b.mp4",
        "-i concat:/etc/passwd /output/b.mp4",
        "-f lavfi -i movie=/etc/passwd /output/b.mp4",
        f"-f concat {IN} /output/b.mp4",
        f"-f hls {IN} /output/b.mp4",
        f"{IN} -f tee /output/b.mp4",
        f"{IN} /tmp/b.mp4",
        f"{IN} b.mp4",
        f"{IN} -",
        f"{IN} pipe:1",
        f"{IN} /output/../b.mp4",
        f"{IN} /output/sub/b.mp4",
        f"{IN} /output/.hidden",
        f"{IN} file:/output/b.mp4",
        f"{IN} -vf movie=/etc/passwd /output/b.mp4",
        f"{IN} -vf drawtext=textfile=/etc/passwd /output/b.mp4",
        f"{IN} -vf subtitles=/etc/passwd /output/b.mp4",
        f"{IN} -vf scale=/w=/etc/passwd /output/b.mp4",
        f"{IN} -vf scale=w=1:/h=x /output/b.mp4",
        f"{IN} -vf \"scale='/etc/x'\" /output/b.mp4",
        f"{IN} -vf scale=1:1,movie=x /output/b.mp4",
        f"{IN} -vf 'scale=1:1;[a]movie=x[b]' /output/b.mp4",
        f"{IN} -vf \"scale='1:1,movie=x /output/b.mp4",
        f"{IN} -vf scale=1\\,movie=x /output/b.mp4",
        f"{IN} -vf 'scale=(1,movie=x,hflip=1)' /output/b.mp4",
        f"{IN} -af loudnorm=stats_file=x /output/b.mp4",
        f"{IN} -lavfi sendcmd=f=x /output/b.mp4",
        f"{IN} -filter_complex_script /etc/passwd /output/b.mp4",
        f"{IN} -/vf /etc/passwd /output/b.mp4",
        f"{IN} -dump_attachment:t:0 /tmp/x /output/b.mp4",
        f"{IN} -attach /etc/passwd /output/b.mp4",
        f"{IN} -report /output/b.mp4",
        f"{IN} -passlogfile /tmp/x /output/b.mp4",
        f"{IN} -x264-params stats=/tmp/x /output/b.mp4",
        f"{IN} -protocol_whitelist http /output/b.mp4",
        f"{IN} -format_whitelist ALL /output/b.mp4",
        f"{IN} -c:v /etc/passwd /output/b.mp4",
        f"{IN} -progress http://127.0.0.1/ /output/b.mp4",
        f"{IN} -init_hw_device x=/dev/x /output/b.mp4",
        f"{IN} -metadata title",
        f"{IN} -c:v",
        f"{IN} 'unclosed",
        "-y " * 600,
    ],
)
def test_what_reaches_beyond_the_tasks_files_is_not_let_through(arguments: str) -> None:
    with pytest.raises(NotAllowed):
        allowed(arguments)


async def test_a_command_works_on_inputs_and_leaves_what_is_in_output(
    local: Local, tmp_path: Path
) -> None:
    tasks = {
        "film": UPLOAD,
        "logo": UPLOAD,
        "work": command(
            "-i '/input/film/my film.mp4' -i /input/logo/l.png "
            "-filter_complex '[0:v][1:v]overlay=5:5[v];[v]split[a][b]' "
            "-map '[a]' -c:v libx264 -preset ultrafast /output/small.mp4 "
            "-map '[b]' -frames:v 2 /output/frame-%d.png",
            input=["film", "logo"],
            capture_output=True,
        ),
        "out": {"operation": "export/url", "input": "work"},
    }
    job = await local.create(tasks)
    await local.upload(task_of(job, "film"), "my film.mp4", make_clip(tmp_path / "a.mp4"))
    await local.upload(task_of(job, "logo"), "l.png", make_picture(size=(8, 8)))
    ended = await local.ended(job["id"])
    work = task_of(ended, "work")
    assert work["status"] == "finished", work["message"]
    assert "libx264" in work["result"]["output"]
    assert str(tmp_path) not in work["result"]["output"]
    files = {one["filename"]: one for one in task_of(ended, "out")["result"]["files"]}
    assert list(files) == ["frame-1.png", "frame-2.png", "small.mp4"]
    content = (await local.plain.get(files["small.mp4"]["url"])).content
    assert "Video: h264" in describe(tmp_path / "b.mp4", content)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("-i /input/process/a.mp4 /output/b.mp4", "INPUT_FILE_NOT_FOUND", "/input/process/a.mp4"),
        ("-i /input/import-1/a.mp4 /output/b.mp4", "CONVERSION_FAILED", "Invalid data"),
        ("-hide_banner", "CONVERSION_FAILED", ""),
    ],
)
async def test_a_command_that_fails_says_what_ffmpeg_said(
    local: Local, arguments: str, code: str, words: str
) -> None:
    failed = await local.failure({"a.mp4": b"no film at all"}, command(arguments))
    assert failed["code"] == code
    assert words in failed["message"]


async def test_a_playlist_in_disguise_opens_no_other_file(local: Local, tmp_path: Path) -> None:
    secret = make_clip(tmp_path / "secret.ts")
    playlist = f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode()
    task = command("-i /input/import-1/a.mp4 /output/b.mp4")
    failed = await local.failure({"a.mp4": playlist}, task)
    assert failed["code"] == "CONVERSION_FAILED"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"arguments": "-i /etc/passwd /output/x.mp4"}, "arguments"),
        ({"arguments": ""}, "arguments"),
        ({"engine": "bash"}, "engine"),
        ({"command": "rm"}, "command"),
        ({"engine": "imagemagick", "command": "mogrify"}, "command"),
    ],
)
async def test_commands_that_are_not_served_are_refused(
    local: Local, more: dict[str, Any], field: str
) -> None:
    body = {"input": "0" * 8, **command("-version"), **more}
    answer = await local.refused("/v2/command", body)
    assert field in answer["errors"]
