"""Each test gets a copy of `scenarios/` in a folder of its own."""

import shutil
from pathlib import Path

import pytest
from workplace import Place

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    unwanted = shutil.ignore_patterns("outbox", ".fusion")
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios", ignore=unwanted)
    return Place(tmp_path)
