"""A folder in which a test works as a newcomer does: the examples, and the command."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test works, as a newcomer does after cloning; `examples` is the copy."""

    folder: Path

    @property
    def examples(self) -> Path:
        return self.folder / "scenarios"

    def fusion(self, *words: str | Path, exit_code: int = 0) -> str:
        """Run the command here, check how it ended, and return all that it wrote."""
        return self.call([sys.executable, "-m", "engine", *map(str, words)], exit_code=exit_code)

    def call(self, words: Sequence[str], *, exit_code: int = 0) -> str:
        ended = subprocess.run(
            words,
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert ended.returncode == exit_code, f"exit {ended.returncode}\n{ended.stdout}"
        return ended.stdout


def environment() -> dict[str, str]:
    """Return this process's environment without settings of fusion, and with its command first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FUSION_")}
    commands = Path(sys.executable).parent
    return kept | {"PATH": f"{commands}{os.pathsep}{kept.get('PATH', '')}", "NO_COLOR": "1"}
