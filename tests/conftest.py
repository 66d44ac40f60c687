"""What every test may use: the marker `needs`."""

import os
import shutil

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing, by its name; with FUSION_TESTS_ALL=1 it fails."""
    for marker in item.iter_markers("needs"):
        program = marker.args[0]
        if shutil.which(program):
            continue
        if os.environ.get("FUSION_TESTS_ALL") == "1":
            pytest.fail(f"{program} is missing, and FUSION_TESTS_ALL=1", pytrace=False)
        pytest.skip(f"needs {program}")
