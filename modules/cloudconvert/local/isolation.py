"""How far a child can be shut off on this system: found out once, by trying.

The levels, best first: `bwrap` (own file system view and no network), an own network namespace
(no network), limits alone. Source of the arguments: bubblewrap's manual, namespaces(7).
"""

import os
import shutil
import site
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from modules.cloudconvert.local import launch
from modules.cloudconvert.local.asking import ask

SYSTEM_FOLDERS = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/alternatives",
    "/etc/chromium.d",
    "/etc/fonts",
    "/etc/ImageMagick-6",
    "/etc/ImageMagick-7",
    "/etc/libreoffice",
    "/etc/ld.so.cache",
)


@dataclass(frozen=True, slots=True)
class Isolation:
    """`network` is the launch plan's word; `bwrap` is the program's path, None without it."""

    network: str = "open"
    bwrap: str | None = None
    readable: tuple[str, ...] = ()
    """Folders besides the task's own that stay visible inside."""

    @property
    def title(self) -> str:
        if self.bwrap:
            return "bwrap: own view of files, no network"
        if self.network != "open":
            return "network namespace: no network"
        return "limits only: this system allows no namespace"

    @property
    def own_network(self) -> bool:
        """Whether a child reaches nothing of ours by an address."""
        return self.bwrap is not None or self.network != "open"

    def wrap(self, arguments: Sequence[str], folder: Path) -> list[str]:
        """Return the command line that runs `arguments` shut off, with `folder` to write to."""
        if self.bwrap is None:
            return list(arguments)
        visible = [part for path in self.readable for part in ("--ro-bind-try", path, path)]
        return [
            self.bwrap,
            "--unshare-all",
            "--die-with-parent",
            # First the empty places: what is visible may lie below one of them.
            *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - its own /tmp
            *visible,
            *("--bind", str(folder), str(folder)),
            # Inputs are links to other tasks' results.
            *("--ro-bind-try", str(folder / "in"), str(folder / "in")),
            *("--chdir", str(folder / "work")),
            "--",
            *arguments,
        ]


def readable_folders(*programs: str) -> tuple[str, ...]:
    """Return what the workers need to see: the system's programs, Python, its packages, engines."""
    candidates = [
        *SYSTEM_FOLDERS,
        sys.prefix,
        sys.base_prefix,
        *site.getsitepackages(),
        str(Path(__file__).resolve().parent),
        *(str(Path(program).resolve().parent) for program in programs),
    ]
    return tuple(dict.fromkeys(path for path in candidates if Path(path).exists()))


def launcher(plan: Mapping[str, Any], arguments: Sequence[str]) -> list[str]:
    """Return the command line that runs `arguments` under a plan of `launch.py`."""
    return [sys.executable, "-I", "-S", launch.__file__, launch.written(plan), "--", *arguments]


async def find_isolation(*programs: str) -> Isolation:
    """Try the levels from best to least; `programs` are the engines that must be visible."""
    if sys.platform != "linux":
        return Isolation()
    readable = readable_folders(*programs)
    candidates = [Isolation("own"), Isolation("own_user")]
    if found := shutil.which("bwrap"):
        candidates.insert(0, Isolation(bwrap=found, readable=readable))
    for candidate in candidates:
        if await _works(candidate):
            return candidate
    return Isolation()


async def _works(isolation: Isolation) -> bool:
    with TemporaryDirectory(prefix="fusion-probe-") as folder:
        (Path(folder) / "work").mkdir()
        trial = isolation.wrap([sys.executable, "-I", "-c", "import PIL"], Path(folder))
        plan = {"network": isolation.network, "parent": os.getpid()}
        said = await ask(launcher(plan, trial))
    return said is not None and said.status == 0
