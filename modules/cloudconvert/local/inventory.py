"""Which engines are present, found without importing any of them."""

import asyncio
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec

from modules.cloudconvert.local.asking import all_of, ask
from modules.cloudconvert.local.isolation import Isolation, find_isolation
from modules.cloudconvert.local.programs import Found, Sought, extra, find_programs

VIDEO_INSTALL = extra("video")

_ENCODER = re.compile(r"^ [VAS][.FSXBD]{5} (\S+)", re.MULTILINE)
_VERSION = re.compile(r"^ffmpeg version (\S+)")


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg program; `origin` says where it came from."""

    path: str
    version: str
    origin: str
    encoders: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Inventory:
    """`ffmpegs` come in order of preference; `packages` maps a distribution to its version."""

    ffmpegs: tuple[Ffmpeg, ...] = ()
    packages: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Found] = field(default_factory=dict)
    """What of `programs.SOUGHT` is on PATH, by name."""

    def ffmpeg_for(self, encoders: Collection[str]) -> Ffmpeg | None:
        """Return the preferred ffmpeg that has all the encoders; None if none has."""
        return next((one for one in self.ffmpegs if one.encoders.issuperset(encoders)), None)

    def version(self, package: str) -> str | None:
        """Return a Python package's version, None if it is not installed."""
        return self.packages.get(package)

    def program(self, sought: Sought) -> Found | None:
        """Return a program if it is on PATH."""
        return self.programs.get(sought.name)

    @property
    def places(self) -> tuple[str, ...]:
        """Every program's path; those who run them must see them."""
        ours = (one.path for one in self.ffmpegs)
        return (*ours, *(one.path for one in self.programs.values()))


PACKAGES = (
    *("pillow", "pikepdf", "pypdfium2", "reportlab"),
    *("office2pdf-python", "openpyxl", "betteroffice-xlsx", "msoffcrypto-tool", "resvg-py"),
)


async def look_around() -> tuple[Inventory, Isolation]:
    """Find the engines that are here, and how far they can be shut off."""
    inventory = await take_inventory()
    return inventory, await find_isolation(*inventory.places)


async def take_inventory() -> Inventory:
    """Look for engines on PATH and among the installed packages."""
    packages = {name: found for name in PACKAGES if (found := _version_of(name))}
    candidates = [(path, "system") for path in [shutil.which("ffmpeg")] if path]
    if find_spec("imageio_ffmpeg"):
        bundled = await asyncio.to_thread(_bundled_ffmpeg)
        candidates += [(bundled, "imageio-ffmpeg")] if bundled else []
    async with asyncio.TaskGroup() as group:
        programs = group.create_task(find_programs())
        described = await all_of(*(_describe(path, origin) for path, origin in candidates))
    return Inventory(tuple(one for one in described if one), packages, programs.result())


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _bundled_ffmpeg() -> str | None:
    import imageio_ffmpeg  # noqa: PLC0415 - an extra that may be missing

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        # Its way to say that the wheel for this platform carries no program.
        return None


async def _describe(path: str, origin: str) -> Ffmpeg | None:
    said = await ask([path, "-version"])
    version = _VERSION.search(said.output) if said else None
    listed = await ask([path, "-hide_banner", "-encoders"])
    if version is None or listed is None:
        return None
    return Ffmpeg(path, version.group(1), origin, frozenset(_ENCODER.findall(listed.output)))
