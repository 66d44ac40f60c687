"""However a scenario file is broken, its reader gets problems with places, never a traceback."""

from pathlib import Path

import pytest
from broken_texts import EDITS, TEXT
from hypothesis import HealthCheck, given, settings

from engine.errors import ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.graph import check_graph


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


def test_the_unbroken_file_is_fine(catalog: Catalog) -> None:
    assert len(load_text(TEXT, Path("nowhere/demo.yaml"), catalog).nodes) == 7


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=EDITS)
def test_a_broken_file_gives_problems_with_places_in_it(
    catalog: Catalog, edits: list[tuple[int, int, str]]
) -> None:
    text = TEXT
    for at, removed, piece in edits:
        text = text[:at] + piece + text[at + removed :]
    lines = text.splitlines()

    try:
        plan = load_text(text, Path("nowhere/demo.yaml"), catalog)
    except ScenarioError as error:
        for problem in error.problems:
            assert problem.title
            assert problem.place is not None
            assert 1 <= problem.place.line <= len(lines) + 1
            assert problem.place.column >= 1
            assert len(problem.message) < 600
    else:
        check_graph(plan)
