"""What `GET /v2/operations` lists works: every format that an engine reads and every one it writes.

All pairs are thousands; here each engine gets as few as hold all of its formats once, with whatever
engines are on this machine.
"""

import asyncio
import io
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from local_server import Local, make_clip, make_picture, serving, task_of
from outside_tools import said
from PIL import Image

NO_SAMPLE = frozenset(("heic", "psd", "xcf"))
"""Formats that nothing here writes; `psd` has tests of its own."""
AT_ONCE = asyncio.Semaphore(4)
SEEDS = {
    "md": b"# Title\n\nSome *text*.\n",
    "csv": b"a,b\n1,2\n",
    "txt": b"plain\n",
    "html": b"<p>page</p>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>",
    "ps": b"%!PS-Adobe-3.0\n72 72 moveto 99 99 lineto stroke showpage\n",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n0 0 moveto 9 9 lineto stroke\n",
}


def pictures() -> Iterator[tuple[str, bytes]]:
    yield "png", make_picture()
    for name, kind in (("pcx", "PCX"), ("dds", "DDS")):
        target = io.BytesIO()
        Image.new("RGBA" if name == "dds" else "RGB", (8, 8), "teal").save(target, kind)
        yield name, target.getvalue()


Pair = tuple[str, str, str]
"""Engine, input format, output format."""


def covering(entries: Iterable[dict[str, Any]]) -> list[Pair]:
    """Choose pairs so that each engine has each of its formats, on either side, at least once."""
    by_engine: dict[str, list[tuple[str, str]]] = {}
    for entry in entries:
        pair = (entry["input_format"], entry["output_format"])
        if pair[0] not in NO_SAMPLE:
            by_engine.setdefault(entry["engine"], []).append(pair)
    return [
        (engine, *pair) for engine, pairs in by_engine.items() for pair in _covering(sorted(pairs))
    ]


def _covering(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield first what is new on both sides, then what is new on one."""
    inputs, outputs = {one for one, _ in pairs}, {other for _, other in pairs}
    for both in (True, False):
        for one, other in pairs:
            new = (one in inputs) + (other in outputs)
            if new == 2 or (new == 1 and not both):
                inputs.discard(one)
                outputs.discard(other)
                yield one, other


async def converted(local: Local, content: bytes, pair: tuple[str, str]) -> bytes | str:
    """Return the result of a conversion, or why there is none."""
    source, target = pair
    wanted = {"operation": "convert", "input_format": source, "output_format": target}
    async with AT_ONCE:
        job = await local.run({f"sample.{source}": content}, wanted)
        if job["status"] != "finished":
            return f"{source} to {target}: {task_of(job, 'process')['message']}"
        [file, *_] = task_of(job, "export")["result"]["files"]
        return (await local.plain.get(file["url"])).content


async def samples(local: Local, pairs: set[tuple[str, str]], folder: Path) -> dict[str, bytes]:
    """Return a file of each format: seeds, and what the server makes of them."""
    made = {**SEEDS, **dict(pictures())}
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("folder/a.txt", "plain")
    made["zip"] = packed.getvalue()
    made["mov"] = make_clip(folder / "clip.mov").read_bytes()
    if shutil.which("pandoc"):
        said("pandoc", "-f", "markdown", "-o", folder / "a.pptx", content=b"# Slide\n\ntext\n")
        made["pptx"] = (folder / "a.pptx").read_bytes()
    while True:
        ways = {other: one for one, other in sorted(pairs) if one in made and other not in made}
        if not ways:
            return made
        for other, one in ways.items():
            found = await converted(local, made[one], (one, other))
            assert isinstance(found, bytes), found
            made[other] = found


async def test_every_format_of_every_engine_that_is_listed_works(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as local:
        local.http.timeout = local.plain.timeout = 600
        reply = await local.get("/v2/operations", params={"filter[operation]": "convert"})
        chosen = covering(reply["data"])
        pairs = {(one["input_format"], one["output_format"]) for one in reply["data"]}
        made = await samples(local, pairs, tmp_path)
        unmade = {one for _, one, _ in chosen} - made.keys()
        assert not unmade or not shutil.which("pandoc"), unmade
        results = await asyncio.gather(
            *(converted(local, made[one], (one, other)) for _, one, other in chosen if one in made)
        )
    assert [one for one in results if not one or isinstance(one, str)] == []
