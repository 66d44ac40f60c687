"""The house rules on imports, read off the syntax trees; import-linter says the same in CI.

Imports inside functions and under TYPE_CHECKING count like any other.
"""

import ast
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    ("problem", "lasting"),
    ("errors",),
    ("model",),
    ("context",),
    ("hooks",),
    ("module",),
    ("mapping",),
    ("plan",),
    ("run",),
    ("store", "connect"),
    ("cluster",),
    ("app", "draw", "examples"),
    ("web", "testing"),
    ("cli",),
    ("__main__",),
)
"""Lowest first; a file imports its own part and lower layers, never its neighbour."""

ONLY_IN = {
    "httptools": ("engine.connect",),
    "httpx": ("engine.connect",),
    "jinja2": ("engine.mapping",),
    "re2": ("engine.model.patterns",),
    "yaml": ("engine.plan",),
    "networkx": ("engine.plan",),
    "sqlite3": ("engine.store", "modules.cloudconvert.local"),
    "psycopg": ("engine.store",),
    "starlette": ("engine.web", "modules.cloudconvert.local"),
    "uvicorn": ("engine.web", "modules.cloudconvert.local"),
}

PURE = ("engine.model", "engine.mapping", "engine.plan", "engine.run.core", "engine.run.rules")
"""Parts that decide and wait for nothing."""

FOR_MODULES = ("engine.module", "engine.errors")
SERVER = "modules.cloudconvert.local"
DECLARATION = ("modules.cloudconvert", "modules.cloudconvert.commands")
"""What may start the embedded server, and, as the server may, use the guarded fetch."""


def imports(source: str) -> Iterator[str]:
    """Yield each imported name in full; `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def within(name: str, *parts: str) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def rank(name: str) -> int:
    """Return the layer of an engine file's name, lowest 0; -1 for the package itself."""
    part = name.split(".")[1] if "." in name else ""
    return next((at for at, layer in enumerate(LAYERS) if part in layer), -1)


def allowed(name: str, target: str) -> bool:
    """Tell whether file `name` may import `target`."""
    places = next((where for lib, where in ONLY_IN.items() if within(target, lib)), None)
    if places is not None:
        return within(name, *places)
    if within(target, "asyncio"):
        return not within(name, *PURE)
    if within(name, "engine"):
        return not within(target, "modules") and downward(name, target)
    return allowed_for_modules(name, target)


def downward(name: str, target: str) -> bool:
    if not within(target, "engine") or rank(target) == -1:
        return True
    same_part = name.split(".")[:2] == target.split(".")[:2]
    return same_part or rank(target) < rank(name)


def allowed_for_modules(name: str, target: str) -> bool:
    if within(target, SERVER):
        return within(name, SERVER) or name in DECLARATION
    if within(target, "engine.connect.fetch"):
        return within(name, SERVER) or name in DECLARATION
    if within(target, "engine"):
        return within(target, *FOR_MODULES)
    if within(target, "modules"):
        return name.split(".")[1:2] == target.split(".")[1:2]
    return True


def files() -> Iterator[tuple[str, str]]:
    for path in sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("modules/**/*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path.read_text()


def test_every_import_follows_the_arrows() -> None:
    wrong = [
        f"{name} -> {target}"
        for name, source in files()
        for target in imports(source)
        if not allowed(name, target)
    ]
    assert wrong == []


def test_every_part_of_the_engine_has_a_layer() -> None:
    parts = {name.split(".")[1] for name, _ in files() if name.startswith("engine.")}
    assert parts <= {part for layer in LAYERS for part in layer}


PLANTED = [
    ("engine.model.bundle", "from engine.module import Fields"),
    ("engine.run.driver", "from engine import store"),
    ("engine.store.sqlite", "import engine.connect.client"),
    ("engine.app", "def late():\n    from engine.cli import main"),
    ("engine.plan.check", "from modules.files import connector"),
    ("engine.run.core", "import asyncio"),
    ("engine.cli.main", "import httpx"),
    ("engine.plan.read", "from jinja2 import nodes"),
    ("modules.files.save_file", "from engine.run.ports import Store"),
    ("modules.files.save_file", "import sqlite3"),
    ("modules.files.save_file", "from modules.tools import connector"),
    ("modules.cloudconvert.api", "from engine.connect.fetch import guarded"),
    ("modules.cloudconvert.api", "from modules.cloudconvert.local import server"),
]


@pytest.mark.parametrize(("name", "source"), PLANTED)
def test_a_planted_import_is_found(name: str, source: str) -> None:
    assert not any(allowed(name, target) for target in imports(source))


ONE_FOR_EACH_CONTRACT = {
    "engine/model/bundle.py": "from engine.module import Fields",
    "engine/run/core.py": "import asyncio",
    "engine/app/__init__.py": "from modules.files import connector",
    "engine/app/stored.py": "from engine.app.running import run_scenario",
    "modules/files/__init__.py": "from engine.run.ports import Store",
    "modules/tools/__init__.py": "from modules.files import connector",
    "engine/cli/main.py": "import httpx",
}


def test_import_linter_finds_planted_imports(tmp_path: Path) -> None:
    for name in ("engine", "modules"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("_*_"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, source in ONE_FOR_EACH_CONTRACT.items():
        with (tmp_path / name).open("a") as file:
            file.write(f"\n{source}\n")
    program = Path(sys.executable).with_name("lint-imports")
    words = [str(program), "--no-cache"]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Contracts: 0 kept, 7 broken." in ended.stdout, ended.stdout


def test_tests_are_no_package_and_their_names_are_unique() -> None:
    paths = list((ROOT / "tests").rglob("*.py"))
    assert [path for path in paths if path.name == "__init__.py"] == []
    names = Counter(path.name for path in paths if path.name.startswith("test_"))
    assert [name for name, count in names.items() if count > 1] == []
