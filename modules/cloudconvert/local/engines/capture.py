"""Pages of the web and HTML or SVG files to PDF or a picture, by a Chromium of their own.

The job has `program`, `proxy` (see `chromium`), `url` or `source` with `input_format`,
`output_format` and `options` (see `operations.pages`).
"""

import asyncio
import base64
import io
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

from modules.cloudconvert.local.engines.cdp import Refused
from modules.cloudconvert.local.engines.chromium import chromium
from modules.cloudconvert.local.engines.images import prepared
from modules.cloudconvert.local.engines.page import DOCUMENT, Page
from modules.cloudconvert.local.engines.talk import Failure, Progress

START_SECONDS = 60
LOAD_SECONDS = 60
TAKE_SECONDS = 120
FIRST_HEIGHT = 900
"""Of the screen, in pixels, where none is asked for and the whole page is taken. Assumed."""
STRIP = 4000
"""Most pixels in height that are taken at once: Chromium's own bound is near."""
DOCUMENT_BYTES = 64 << 20
PAPERS = {
    "A0": (33.1, 46.8), "A1": (23.4, 33.1), "A2": (16.54, 23.4), "A3": (11.7, 16.54),
    "A4": (8.27, 11.7), "A5": (5.83, 8.27), "A6": (4.13, 5.83), "Letter": (8.5, 11),
    "Legal": (8.5, 14), "Tabloid": (11, 17), "Ledger": (17, 11),
}  # fmt: skip
"""Inches."""
CENTIMETRES, MILLIMETRES, PIXELS = 2.54, 25.4, 96
"""In an inch."""


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Write the page to `out.0`."""
    try:
        return [asyncio.run(_captured(job, progress)).name]
    except Refused as error:
        raise Failure("CONVERSION_FAILED", str(error)) from error


async def _captured(job: dict[str, Any], progress: Progress) -> Path:
    folder = Path(job["folder"])
    content, asked = _content(job), set[str]()
    async with chromium(job["program"], folder, job["proxy"], asked) as browser:
        listening = asyncio.create_task(browser.listen())
        page = Page(browser, asked=asked, **content)
        working = asyncio.create_task(_worked(job, page, progress))
        done, _ = await asyncio.wait((listening, working), return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if working not in done:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            # It tells why the browser ended.
            await listening
        with suppress(asyncio.CancelledError, Failure):
            await listening
        return await working


async def _worked(job: dict[str, Any], page: Page, progress: Progress) -> Path:
    options, target = job["options"], Path(job["folder"]) / "out.0"
    async with _within(START_SECONDS, "The browser did not start"):
        await page.open()
        await _set_up(page, job)
    progress(10, 100)
    seconds = LOAD_SECONDS + options["wait_time"] / 1000
    async with _within(seconds, f"The page was not done within {LOAD_SECONDS} seconds"):
        await page.show(job.get("url") or DOCUMENT, options["wait_until"])
        if options["wait_for_element"]:
            await page.wait_for(options["wait_for_element"])
        await asyncio.sleep(options["wait_time"] / 1000)
    progress(60, 100)
    if job.get("input_format") == "svg":
        job = {**job, "options": await _of_its_size(page, options)}
        options = job["options"]
    async with _within(TAKE_SECONDS, "The page could not be taken in time"):
        if job["output_format"] == "pdf":
            await page.print_to(target, **_printing(options))
        else:
            await _pictured(page, job, target)
    progress(95, 100)
    return target


class _within:  # noqa: N801 - reads as a word
    """A bound on seconds; past it Failure with a text."""

    def __init__(self, seconds: float, text: str) -> None:
        self._bound, self._text = asyncio.timeout(seconds), text

    async def __aenter__(self) -> None:
        await self._bound.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._bound.__aexit__(*error)
        except TimeoutError as late:
            raise Failure("TIMEOUT", self._text) from late


def _content(job: dict[str, Any]) -> dict[str, Any]:
    """Return what the page is made of. Raises Failure for a file that is too large."""
    if "source" not in job:
        return {"headers": job["headers"]}
    path = Path(job["source"]["path"])
    if path.stat().st_size > DOCUMENT_BYTES:
        raise Failure("FILE_TOO_LARGE", f"The document has more than {DOCUMENT_BYTES} bytes")
    content = path.read_bytes()
    if job["input_format"] == "svg":
        # As a picture it runs no script and fetches nothing.
        data = base64.b64encode(content).decode()
        style = "<style>@page{margin:0}body{margin:0}img{display:block}</style>"
        content = f'{style}<img src="data:image/svg+xml;base64,{data}">'.encode()
    return {"document": content}


async def _set_up(page: Page, job: dict[str, Any]) -> None:
    options = job["options"]
    height = options["screen_height"] or FIRST_HEIGHT
    await _screen(page, options["screen_width"], height)
    if options["css_media_type"]:
        await page.call("Emulation.setEmulatedMedia", media=options["css_media_type"])


async def _screen(page: Page, width: int, height: int) -> None:
    await page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=height,
        deviceScaleFactor=1,
        mobile=False,
    )


async def _of_its_size(page: Page, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with the drawing's own size in the place of the screen's and paper's."""
    width, height = await page.side_of_picture()
    margins = {f"margin_{side}": 0.0 for side in ("top", "bottom", "left", "right")}
    paper = {
        "page_width": width / PIXELS * CENTIMETRES,
        "page_height": height / PIXELS * CENTIMETRES,
    }
    return {**options, **margins, **paper, "screen_width": width, "screen_height": height}


def _printing(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options as Chromium names them, in inches."""
    width, height = PAPERS[options["page_format"] or "A4"]
    width = options["page_width"] / CENTIMETRES if options["page_width"] else width
    height = options["page_height"] / CENTIMETRES if options["page_height"] else height
    margins = {
        f"margin{side.capitalize()}": options[f"margin_{side}"] / MILLIMETRES
        for side in ("top", "bottom", "left", "right")
    }
    return {
        "landscape": options["page_orientation"] == "landscape",
        "displayHeaderFooter": options["display_header_footer"],
        "headerTemplate": options["header_template"] or "<span></span>",
        "footerTemplate": options["footer_template"] or "<span></span>",
        "printBackground": options["print_background"],
        "scale": options["zoom"],
        "paperWidth": width,
        "paperHeight": height,
        "pageRanges": (options["pages"] or "").replace(" ", ""),
        **margins,
    }


async def _pictured(page: Page, job: dict[str, Any], target: Path) -> None:
    """Take the whole page, or the screen if its height was asked for."""
    options, width = job["options"], job["options"]["screen_width"]
    height = options["screen_height"] or (await page.size())[1]
    if width * height > job["limits"]["pixels"]:
        raise Failure("FILE_TOO_LARGE", "The page has more pixels than allowed")
    picture = Image.new("RGB", (width, max(1, height)), "white")
    for top in range(0, height, STRIP):
        clip = {"x": 0, "y": top, "width": width, "height": min(STRIP, height - top), "scale": 1}
        made = await page.call(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True
        )
        with Image.open(io.BytesIO(base64.b64decode(made["data"]))) as strip:
            picture.paste(strip.convert("RGB"), (0, top))
    sized = {**options, "auto_orient": False, "background": None}
    name, more = ("PNG", {}) if job["output_format"] == "png" else ("JPEG", {"quality": 90})
    prepared(picture, job["output_format"], sized).save(target, name, **more)
