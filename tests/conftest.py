"""What every test may use: the marker `needs`."""

import os
import shutil
from pathlib import Path

import pytest

NPM = "npm:"
"""A package of npm below the folder FUSION_TESTS_NPM, into which CI installs it."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing, by its name; with FUSION_TESTS_ALL=1 it fails."""
    for marker in item.iter_markers("needs"):
        program = marker.args[0]
        if _is_there(program):
            continue
        if os.environ.get("FUSION_TESTS_ALL") == "1":
            pytest.fail(f"{program} is missing, and FUSION_TESTS_ALL=1", pytrace=False)
        pytest.skip(f"needs {program}")


def _is_there(program: str) -> bool:
    if not program.startswith(NPM):
        return shutil.which(program) is not None
    folder = os.environ.get("FUSION_TESTS_NPM", os.devnull)
    return Path(folder, "node_modules", program.removeprefix(NPM)).is_dir()
