"""The tables of CloudConvert's rows are whole, and name tests that are there."""

import ast
from functools import cache
from pathlib import Path

import pytest
from cloudconvert_rows import CLIENT_FAULTS, ERRORS, MODULES, TROUBLESHOOTING, Rows

from modules.cloudconvert import connector

HERE = Path(__file__).parent
TABLES = (
    [(MODULES, row) for row in MODULES]
    + [(ERRORS, row) for row in ERRORS]
    + [(TROUBLESHOOTING, row) for row in TROUBLESHOOTING]
    + [(CLIENT_FAULTS, row) for row in CLIENT_FAULTS]
)
ELSEWHERE = {"new_job_event"}
"""Modules that need more than a client: they have tests of their own."""


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


def test_every_module_of_the_connector_has_its_row() -> None:
    assert set(MODULES) == set(connector.modules) - ELSEWHERE


def test_no_row_of_the_reference_is_left_out() -> None:
    assert (len(ERRORS), len(TROUBLESHOOTING), len(CLIENT_FAULTS)) == (11, 6, 16)


@pytest.mark.parametrize(("table", "row"), TABLES, ids=[row for _, row in TABLES])
def test_the_tests_of_a_row_are_there(table: Rows, row: str) -> None:
    assert table[row]
    for file, name in table[row]:
        assert name in names_in(file)
