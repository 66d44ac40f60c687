"""A process of `fusion` looks for garbage as any other once it has imported what it needs."""

import subprocess
import sys

BEGUN = """
import gc
from engine.cli import garbage
usual = gc.get_threshold()
{calls}
print(gc.get_threshold() == usual, gc.get_freeze_count() > 0)
"""


def after(calls: str) -> str:
    """Tell whether a process searches as usual, and whether it leaves something out of that."""
    words = [sys.executable, "-c", BEGUN.format(calls=calls)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def test_a_process_that_begins_puts_the_search_off() -> None:
    assert after("garbage.begin()") == "False False"


def test_what_was_imported_is_left_out_and_the_search_is_as_usual() -> None:
    assert after("garbage.begin(); garbage.imported()") == "True True"


def test_a_process_that_is_not_of_fusion_is_left_alone() -> None:
    assert after("garbage.imported()") == "True False"


def test_a_process_that_ends_is_not_searched() -> None:
    assert after("garbage.end()") == "True True"
