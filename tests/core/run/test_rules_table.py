"""The table of rules names tests that are there."""

import ast
from pathlib import Path

import pytest
from rules_table import HELD

TESTS = Path(__file__).parents[2]


def test_every_rule_has_its_tests() -> None:
    assert list(HELD) == [f"R{number}" for number in range(1, 59)]


@pytest.mark.parametrize("rule", HELD)
def test_the_tests_of_a_rule_are_there(rule: str) -> None:
    for path, name in HELD[rule]:
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        names = {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in names
