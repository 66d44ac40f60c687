"""command: what ImageMagick, GraphicsMagick and ffprobe may be told, and what comes out."""

import io
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from local_server import UPLOAD, Local, make_clip, make_picture, serving, task_of
from PIL import Image

from modules.cloudconvert.local.converters import ffprobe_command, magick_options
from modules.cloudconvert.local.converters.command_words import Command, NotAllowed
from modules.cloudconvert.local.converters.magick_command import (
    ENVIRONMENT,
    converting,
    graphics,
    identifying,
)
from modules.cloudconvert.local.converters.magick_options import Check

CONVERT = next((one for one in ("magick", "convert-im6.q16") if shutil.which(one)), "convert")
IN = "/input/import-1/a.png"
OUT = "/output/b.png"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def convert(arguments: str) -> Command:
    return converting(arguments, magick_options.IMAGEMAGICK)


def command(engine: str, name: str, arguments: str, **more: Any) -> dict[str, Any]:
    fixed = {"operation": "command", "engine": engine, "command": name}
    return {**fixed, "arguments": arguments, **more}


@pytest.mark.parametrize(
    "arguments",
    [
        f"{IN} -resize 100x100^ -gravity center -extent 100x100 -quality 80 /output/b.jpg",
        f"{IN}[0] -background '#fff' -alpha remove -strip -auto-orient {OUT}",
        "/input/a/x.gif[0-3] -coalesce -crop 10x10+0+0 +repage -layers optimize /output/%03d.gif",
        f"-size 200x100 gradient:red-blue -fill rgb(1,2,3) -annotate +10+20 'Grüße, 50%%' {OUT}",
        f"-size 20x20 xc:none -draw \"fill red circle 5,5 5,9 text 1,2 'a@b.c'\" {OUT}",
        f"'(' {IN} -flip ')' '(' +clone -negate ')' -append {OUT}",
        f"{IN} -write /output/first.tiff -morphology Dilate Octagon:3 -evaluate multiply 0.5 {OUT}",
        f"{IN} -define webp:lossless=true -resize 100000@ /output/b.webp",
        f"{IN} -format '%w x %h, %[EXIF:Orientation]\\n' info:",
        f"label:'How are you?' {OUT}",
    ],
)
def test_what_people_do_with_imagemagick_is_let_through(arguments: str) -> None:
    assert convert(arguments).words


HOSTILE = [
    f"/etc/passwd {OUT}",
    f"/input/../../etc/passwd {OUT}",
    f"/input/a/../b {OUT}",
    f"../a.png {OUT}",
    f"a.png {OUT}",
    f"@/etc/passwd {OUT}",
    f"@list {OUT}",
    f"png:{IN} {OUT}",
    f"png:/etc/passwd {OUT}",
    f"msl:{IN} {OUT}",
    f"mvg:{IN} {OUT}",
    f"svg:{IN} {OUT}",
    f"text:/etc/passwd {OUT}",
    f"txt:/etc/passwd {OUT}",
    f"url:http://127.0.0.1/ {OUT}",
    f"https://127.0.0.1/a.png {OUT}",
    f"ephemeral:{IN} {OUT}",
    f"fd:0 {OUT}",
    f"- {OUT}",
    f"'|id' {OUT}",
    f"inline:data:image/png;base64,AAAA {OUT}",
    f"label:@/etc/passwd {OUT}",
    f"caption:@/etc/passwd {OUT}",
    f"label:%[profile:x]%d {OUT}",
    f"pango:@/etc/passwd {OUT}",
    f"vid:/etc/* {OUT}",
    f"tile:/etc/passwd {OUT}",
    f"clipboard:x {OUT}",
    f"screenshot: {OUT}",
    f"x:root {OUT}",
    "'/input/*/a.png' /etc/x.png",
    f"{IN}[/etc/passwd] {OUT}",
    f"{IN} /tmp/b.png",
    f"{IN} b.png",
    f"{IN} /output/../b.png",
    f"{IN} /output/sub/b.png",
    f"{IN} /output/.b.png",
    f"{IN} /output/b.svg",
    f"{IN} /output/b.msl",
    f"{IN} /output/b.pdf",
    f"{IN} /output/b",
    f"{IN} /output/%s.png",
    f"{IN} /output/%n%d.png",
    f"{IN} png:/output/b.png",
    f"{IN} show:",
    f"{IN} histogram:/tmp/x",
    f"{IN} info:/tmp/x",
    f"{OUT} {IN}",
    f"{IN} {IN}",
    f"{IN} -write /tmp/x {OUT}",
    f"{IN} -write {IN} {OUT}",
    f"{IN} -write info:/tmp/x {OUT}",
    f"{IN} -write msl:/output/x.png {OUT}",
    f"{IN} {OUT} -write",
    f"{IN} -profile /etc/passwd {OUT}",
    f"{IN} -tile /etc/passwd {OUT}",
    f"{IN} -texture /etc/passwd {OUT}",
    f"{IN} -mask /etc/passwd {OUT}",
    f"{IN} -clip-mask /etc/passwd {OUT}",
    f"{IN} -remap /etc/passwd {OUT}",
    f"{IN} -cdl /etc/passwd {OUT}",
    f"{IN} -process 'analyze /etc' {OUT}",
    f"{IN} -script /etc/passwd {OUT}",
    f"{IN} -path /tmp {OUT}",
    f"{IN} -limit memory 100GiB {OUT}",
    f"{IN} -debug all {OUT}",
    f"{IN} -log '%e' {OUT}",
    f"{IN} -display :0 {OUT}",
    f"{IN} -encipher /etc/passwd {OUT}",
    f"{IN} -distribute-cache 6668 {OUT}",
    f"{IN} -list policy {OUT}",
    f"{IN} -fill /etc/passwd {OUT}",
    f"{IN} -fill @x {OUT}",
    f"{IN} -fill pattern:bricks {OUT}",
    f"{IN} -stroke png:/etc/x {OUT}",
    f"{IN} -font /etc/passwd {OUT}",
    f"{IN} -font @/etc/passwd {OUT}",
    f"{IN} -family ../x {OUT}",
    f"{IN} -comment @/etc/passwd {OUT}",
    f"{IN} -label @/etc/passwd {OUT}",
    f"{IN} -label %d {OUT}",
    f"{IN} -annotate 0 @/etc/passwd {OUT}",
    f"{IN} -annotate 0 '%[filename:x]' {OUT}",
    f"{IN} -set filename:x /etc/passwd {OUT}",
    f"{IN} -set comment @/etc/passwd {OUT}",
    f"{IN} -format @/etc/passwd info:",
    f"{IN} -format '%d' info:",
    f"{IN} -format '%[fx:while(1,1)]' info:",
    f"{IN} -fx @/etc/passwd {OUT}",
    f"{IN} -draw @/etc/passwd {OUT}",
    f"{IN} -draw 'image over 0,0 0,0 \"/etc/passwd\"' {OUT}",
    f"{IN} -draw 'IMAGE over 0,0 0,0 url:http://127.0.0.1/' {OUT}",
    f"{IN} -draw '\"image\" over 0,0 0,0 x' {OUT}",
    f"{IN} -draw 'line 0,0 1,1 image over 0,0 0,0 x' {OUT}",
    f"{IN} -draw 'push graphic-context image over 0,0 0,0 x' {OUT}",
    f"{IN} -draw 'fill url(#x)' {OUT}",
    f"{IN} -draw 'text 0,0 \"@/etc/passwd\"' {OUT}",
    f"{IN} -draw 'font /etc/passwd' {OUT}",
    f"{IN} -define jpeg:q-table=/etc/passwd {OUT}",
    f"{IN} -define registry:temporary-path=/tmp {OUT}",
    f"{IN} -define delegate:stealth=true {OUT}",
    f"{IN} -define png:bit-depth=/etc/x {OUT}",
    f"{IN} -morphology Convolve @/etc/passwd {OUT}",
    f"{IN} -distort Perspective @/etc/passwd {OUT}",
    f"{IN} -resize -write {OUT}",
    f"{IN} -resize /etc/passwd {OUT}",
    f"{IN} -resize",
    f"{IN} -resizes 10 {OUT}",
    f"{IN} 'unclosed {OUT}",
    "-strip " * 600,
    "",
]


@pytest.mark.parametrize("arguments", HOSTILE)
def test_what_reaches_beyond_the_tasks_files_is_not_let_through(arguments: str) -> None:
    with pytest.raises(NotAllowed):
        convert(arguments)
    with pytest.raises(NotAllowed):
        graphics(f"convert {arguments}")


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            "batch x",
            "conjure msl:x",
            "mogrify -path /tmp x",
            "import x.png",
            "display x",
            "version",
        ),
        *("", "montage x y", "convert", "time convert x y", "-convert x"),
    ],
)
def test_gm_does_nothing_but_convert_and_identify(arguments: str) -> None:
    with pytest.raises(NotAllowed):
        graphics(arguments)


@pytest.mark.parametrize(
    "arguments",
    [OUT, f"{IN} {OUT}", "/etc/passwd", "xc:red", "info:", f"{IN} -write {OUT}", f"-strip {IN}"],
)
def test_identify_looks_at_inputs_and_writes_nothing(arguments: str) -> None:
    with pytest.raises(NotAllowed):
        identifying(arguments, magick_options.IDENTIFY_IMAGEMAGICK)


@pytest.mark.parametrize(
    "arguments",
    [
        *("/etc/passwd", "-show_format", f"{IN} {IN}", f"-i {IN} -o /tmp/x", f"-f lavfi {IN}"),
        *(f"{IN} -of json=x=/etc/x", f"-report {IN}", f"-show_data {IN} x", "http://127.0.0.1/"),
        *(f"-protocol_whitelist http {IN}", f"-show_entries /x {IN}", f"{IN} -v trace"),
    ],
)
def test_ffprobe_shows_facts_of_one_input_only(arguments: str) -> None:
    with pytest.raises(NotAllowed):
        ffprobe_command.allowed(arguments)


SAMPLES: Mapping[Check, str] = {
    magick_options.PLAIN: "1",
    magick_options.SHAPE: "1x1",
    magick_options.COLOUR: "red",
    magick_options.COLOURS: "red,blue",
    magick_options.NUMBERS: "1,0,0,0,1,0,0,0,1",
    magick_options.FONT: "Times",
    magick_options.TEXT: "text",
    magick_options.KERNEL: "Disk",
    magick_options.EXPRESSION: "u",
    magick_options.PATTERN: "icc",
    magick_options.PROPERTY: "comment",
    magick_options.FORMAT: "%w",
    magick_options.DEFINITION: "png:bit-depth=8",
    magick_options.drawing: "point 1,1",
}
"""A value that each check lets through."""


def told(program: Sequence[str], option: str, checks: Sequence[Check]) -> str:
    """Return what a program complains of when it gets an option with its values."""
    values = [SAMPLES[check] for check in checks]
    assert all(check(value) for check, value in zip(checks, values, strict=True))
    words = ["-size", "8x8", "xc:red", "xc:blue", "xc:white", option, *values, "null:"]
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(
        [*program, *words], capture_output=True, text=True, env=environment, check=False
    ).stderr


@pytest.mark.parametrize(
    ("program", "options"),
    [
        pytest.param(
            [CONVERT],
            magick_options.IMAGEMAGICK,
            marks=pytest.mark.needs("identify"),
        ),
        pytest.param(
            ["gm", "convert"], magick_options.GRAPHICSMAGICK, marks=pytest.mark.needs("gm")
        ),
    ],
)
def test_each_option_takes_as_many_words_as_the_program_takes(
    program: Sequence[str], options: Mapping[str, Sequence[Check]]
) -> None:
    """A word more would be a file to the program, and a word less would be taken off its result."""
    wrong = ("open", "such file", "requires", "issing", "decode", "nrecognized option", "no images")
    said = {option: told(program, option, checks) for option, checks in options.items()}
    assert {one: text for one, text in said.items() if any(word in text for word in wrong)} == {}


@pytest.mark.needs("identify")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["msl:script"], "MSL"),
        (["mvg:script"], "MVG"),
        (["svg:script"], "SVG"),
        (["http://127.0.0.1/"], "HTTP"),
        (["https://127.0.0.1/"], "HTTPS"),
        (["text:script"], "TEXT"),
        (["label:@script"], "@script"),
        (["pdf:script"], "PDF"),
        (["xc:red", "-write", "histogram:x"], "HISTOGRAM"),
        (["-size", "40000x1", "xc:red"], "exceeds limit"),
    ],
)
def test_imagemagicks_policy_refuses_what_the_list_would_let_slip(
    tmp_path: Path, words: list[str], named: str
) -> None:
    (tmp_path / "script").write_text("secret")
    done = subprocess.run(
        [CONVERT, *words, "png:out.png"],
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert named in done.stderr
    assert "policy" in done.stderr or "limit" in done.stderr


@pytest.mark.parametrize(
    ("engine", "name", "arguments", "sizes"),
    [
        pytest.param(
            "imagemagick",
            "convert",
            "'/input/photo/my photo.png' -resize 50% -write /output/half.jpg "
            "-flip /input/logo/l.png -append /output/both.png",
            {"both.png": (20, 18), "half.jpg": (20, 10)},
            marks=pytest.mark.needs("identify"),
        ),
        pytest.param(
            "graphicsmagick",
            "gm",
            "convert '/input/photo/my photo.png' /input/logo/l.png -append /output/both.png",
            {"both.png": (40, 28)},
            marks=pytest.mark.needs("gm"),
        ),
    ],
)
async def test_a_command_works_on_inputs_and_leaves_what_is_in_output(
    local: Local, engine: str, name: str, arguments: str, sizes: dict[str, tuple[int, int]]
) -> None:
    tasks = {
        "photo": UPLOAD,
        "logo": UPLOAD,
        "work": command(engine, name, arguments, input=["photo", "logo"]),
        "out": {"operation": "export/url", "input": "work"},
    }
    job = await local.create(tasks)
    await local.upload(task_of(job, "photo"), "my photo.png", make_picture(size=(40, 20)))
    await local.upload(task_of(job, "logo"), "l.png", make_picture(size=(8, 8)))
    ended = await local.ended(job["id"])
    work = task_of(ended, "work")
    assert work["status"] == "finished", work["message"]
    assert work["engine"] == engine
    made = {}
    for file in task_of(ended, "out")["result"]["files"]:
        content = (await local.plain.get(file["url"])).content
        made[file["filename"]] = Image.open(io.BytesIO(content)).size
    assert made == sizes


@pytest.mark.parametrize(
    ("engine", "name", "arguments"),
    [
        pytest.param(
            "imagemagick",
            "identify",
            f"-format '%wx%h %m' {IN}",
            marks=pytest.mark.needs("identify"),
        ),
        pytest.param(
            "graphicsmagick",
            "gm",
            f"identify -format '%wx%h %m' {IN}",
            marks=pytest.mark.needs("gm"),
        ),
    ],
)
async def test_what_a_picture_is_is_told_without_a_file(
    local: Local, tmp_path: Path, engine: str, name: str, arguments: str
) -> None:
    task = command(engine, name, arguments, capture_output=True)
    job = await local.run({"a.png": make_picture(size=(40, 20))}, task)
    work = task_of(job, "process")
    assert work["result"]["output"].strip() == "40x20 PNG"


@pytest.mark.needs("identify")
@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>",
        b"push graphic-context\nimage over 0,0 0,0 '/etc/passwd'\npop graphic-context",
        b"<?xml version='1.0'?><image><read filename='/etc/passwd'/></image>",
        b"%PDF-1.4\n",
        b"%!PS\n(/etc/passwd) (r) file",
        b"",
    ],
)
async def test_a_script_in_disguise_is_no_picture(local: Local, content: bytes) -> None:
    task = command("imagemagick", "convert", f"{IN} {OUT}")
    failed = await local.failure({"a.png": content}, task)
    assert failed["code"] == "OPEN_FAILED"


async def test_ffprobe_on_path_is_called_with_the_guards_of_ffmpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes with the system's ffmpeg only, which is large: a script tells what it was given."""
    program = tmp_path / "bin" / "ffprobe"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = -version ] && echo ffprobe version 7.1 || echo "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    arguments = "-v error -show_format -of json /input/import-1/a.mov"
    task = command("ffmpeg", "ffprobe", arguments, capture_output=True)
    async with serving(tmp_path / "data") as local:
        job = await local.run({"a.mov": make_clip(tmp_path / "a.mov")}, task)
    said = task_of(job, "process")["result"]["output"]
    shown, _, source = said.partition(" -protocol_whitelist file -format_whitelist ")
    assert shown == "-v error -show_format -of json"
    assert "hls" not in source
    assert source.split(" -i ")[1].startswith("file:")


async def test_operations_list_the_programs_that_are_here(local: Local) -> None:
    reply = await local.get("/v2/operations", params={"filter[operation]": "command"})
    here = {
        "ffmpeg",
        *(["imagemagick"] if shutil.which("identify") else []),
        *(["graphicsmagick"] if shutil.which("gm") else []),
    }
    assert {one["engine"] for one in reply["data"]} == here
