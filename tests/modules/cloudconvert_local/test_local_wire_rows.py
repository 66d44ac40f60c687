"""The tables of the wire are whole, and name tests that are there."""

import ast
from functools import cache
from pathlib import Path

import pytest
from cloudconvert_wire_rows import BEHAVIOUR, CODES, ENDPOINTS, OPERATIONS, Rows
from local_server import TOKEN, no_fetch
from starlette.routing import Route

from modules.cloudconvert.local.data import take
from modules.cloudconvert.local.hosting import Outside, utc_now
from modules.cloudconvert.local.inventory import look_around
from modules.cloudconvert.local.operations.registry import OPERATIONS as SERVED
from modules.cloudconvert.local.server import running
from modules.cloudconvert.local.settings import Settings

MODULES = Path(__file__).parent.parent
TABLES = [(table, row) for table in (ENDPOINTS, OPERATIONS, CODES, BEHAVIOUR) for row in table]


@cache
def names_in(file: str) -> frozenset[str]:
    (path,) = MODULES.glob(f"cloudconvert_*/test_{file}.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


async def test_every_endpoint_has_its_row(tmp_path: Path) -> None:
    settings, outside = Settings(TOKEN), Outside(no_fetch)
    data = take(tmp_path)
    own = (data, settings, outside, utc_now, "http://127.0.0.1:1")
    async with running(*own, look_around()) as server:
        routes = [route for route in server.app.routes if isinstance(route, Route)]
    served = {
        f"{method} {route.path.removeprefix('/sync').removeprefix('/v2')}"
        for route in routes
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert served == set(ENDPOINTS)


def test_every_operation_has_its_row() -> None:
    assert set(OPERATIONS) == set(SERVED)


@pytest.mark.parametrize(("table", "row"), TABLES, ids=[row for _, row in TABLES])
def test_the_tests_of_a_row_are_there(table: Rows, row: str) -> None:
    assert table[row]
    for file, name in table[row]:
        assert f"test_{name}" in names_in(file)
