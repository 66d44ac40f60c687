"""Which engines are here, where, what each can do, and what those that are missing would add."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from modules.cloudconvert.local.converters.converter import Converter
from modules.cloudconvert.local.converters.drawings import RESVG
from modules.cloudconvert.local.converters.office_wheel import OFFICE2PDF
from modules.cloudconvert.local.converters.registry import LISTED
from modules.cloudconvert.local.inventory import VIDEO_INSTALL, Inventory, look_around
from modules.cloudconvert.local.programs import SOUGHT


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine; without a version it is not here. `install` maps a system to a command."""

    name: str
    does: str
    version: str | None
    path: str | None = None
    """Of a program; None for what is part of Python."""
    install: dict[str, str] = field(default_factory=dict)
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    engines: Sequence[Engine]
    isolation: str
    """How far conversions are shut off on this system."""

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        engines = [{**asdict(one), "present": one.version is not None} for one in self.engines]
        return {"engines": engines, "isolation": self.isolation}


PACKAGES = {
    "pillow": ("pillow", "pictures to one another, thumbnails, smaller pictures"),
    "reportlab": ("reportlab", "texts and pictures to PDF"),
    "pdfium": ("pypdfium2", "pages of PDFs to pictures and text"),
    "pikepdf": ("pikepdf", "PDFs merged, split, turned, locked and made smaller"),
}
"""Engines that are Python packages which we need, and what for."""
EXTRAS: Mapping[str, tuple[Converter, str]] = {
    "office2pdf": (OFFICE2PDF, "DOCX, PPTX and XLSX to PDF; with pandoc, Markdown to PDF"),
    "resvg": (RESVG, "SVG to PNG, JPG and WebP"),
}
"""Engines that an extra of ours brings; a stronger program on PATH comes first."""


async def survey() -> Survey:
    """Look at everything that could be an engine."""
    inventory, isolation = await look_around()
    return Survey([_with_formats(one) for one in _engines(inventory)], isolation.title)


def _engines(inventory: Inventory) -> Iterable[Engine]:
    for name, (package, does) in PACKAGES.items():
        pip = {"pip": f"pip install {package}"}
        yield Engine(name, does, inventory.version(package), install=pip)
    for name, (converter, does) in EXTRAS.items():
        ways = {"pip": converter.install}
        yield Engine(name, does, converter.version(inventory), install=ways)
    yield Engine("archivetool", "zip, 7z, rar, tar, tar.gz and tar.bz2", "built in")
    ffmpeg = inventory.ffmpeg_for(frozenset())
    version, path = (ffmpeg.version, ffmpeg.path) if ffmpeg else (None, None)
    ways = {"pip": VIDEO_INSTALL, "debian": "apt install ffmpeg", "macos": "brew install ffmpeg"}
    yield Engine("ffmpeg", "films, sound and moving GIFs to one another", version, path, ways)
    for one in SOUGHT:
        found = inventory.program(one)
        version, path = (found.version, found.path) if found else (None, None)
        yield Engine(one.name, one.adds, version, path, one.installs)


def _with_formats(engine: Engine) -> Engine:
    own = [one for one in LISTED if one.engine == engine.name]
    return replace(
        engine,
        inputs=sorted({each for one in own for each in one.inputs}),
        outputs=sorted({each for one in own for each in one.outputs}),
    )
