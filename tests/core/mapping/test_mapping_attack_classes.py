"""A hundred attacks and more of each class: errors of ours, in a second and 64 MB each.

Each class runs in a child that limits itself. With FUSION_TESTS_ALL=1 none is left out; without,
the slow classes are represented by some.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import CLASSES

TRIAL = Path(__file__).parents[2] / "attack_trial.py"
SOME = {"nested loops": 12, "patterns": 30, "hostile values": 60}
MANY = {"patterns": 215, "hostile values": 500}


@pytest.mark.parametrize("name", CLASSES)
def test_no_attack_of_a_class_does_harm(name: str) -> None:
    most = (MANY if os.environ.get("FUSION_TESTS_ALL") == "1" else SOME).get(name, 0)

    child = subprocess.run(
        [sys.executable, TRIAL, name, "--most", str(most)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert (child.returncode, child.stderr) == (0, ""), child.stdout[-3_000:] + child.stderr
    assert json.loads(child.stdout.splitlines()[-1])["attacks"] >= most


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_has_a_hundred_attacks_each_unlike_the_others(name: str) -> None:
    found = {(attack.text, str(attack.value)) for attack in CLASSES[name]()}

    assert len(found) >= 100
