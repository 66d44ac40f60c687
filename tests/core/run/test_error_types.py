"""Every type of error where no handler applies: stored or not, retried, counted, deactivating.

Source: Fusion help, error types and scenario settings; Make's list of error types.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from runs import Bench

from engine.model.execution import IncompleteStatus, Status


@dataclass(frozen=True)
class Row:
    """What becomes of a type. `stored`: where the scenario stores, and it is not the first node."""

    type: str
    stored: bool = True
    retried: bool = False
    shuts: bool = False
    """Later bundles are stored too, without running the node."""
    counts: bool = True
    """Towards the errors in a row."""
    deactivates: bool = False
    mild: bool = False
    """In the first node it is a warning."""


TABLE = (
    Row("ConnectionError", retried=True, counts=False, mild=True),
    Row("RateLimitError", retried=True, mild=True),
    Row("ModuleTimeoutError", retried=True, counts=False),
    Row("OutOfSpaceError", retried=True),
    Row("DataError", counts=False),
    Row("BundleValidationError"),
    Row("DuplicateDataError", counts=False),
    Row("MaxFileSizeExceededError"),
    Row("InvalidAccessTokenError", shuts=True, deactivates=True),
    Row("InvalidConfigurationError", shuts=True, deactivates=True),
    Row("UnexpectedError", shuts=True, deactivates=True),
    Row("MaxResultsExceededError", shuts=True, deactivates=True),
    Row("IncompleteDataError", stored=False),
    Row("RuntimeError", stored=False),
    Row("UnknownError", stored=False),
    Row("OperationsLimitExceededError", stored=False),
    Row("ScenarioTimeoutError", stored=False),
    Row("ExecutionInterruptedError", stored=False),
    Row("InconsistencyError", stored=False),
    Row("DataSizeLimitExceededError", stored=False, deactivates=True),
    Row("AccountValidationError", stored=False, deactivates=True),
    Row("OfMyOwnError", stored=False),
)
every_type = pytest.mark.parametrize("row", TABLE, ids=[row.type for row in TABLE])

LATER = """
    settings: {store_incomplete_executions: STORES}
    flow:
      - {id: mail, module: probe.emit, with: {bundles: [{id: 1, fail: TYPE}, {id: 2}]}}
      - {id: risky, module: raising.any, with: {type: "{{ mail.fail }}"}}
      - {id: save, module: probe.record, with: {text: "{{ mail.id }}"}}
"""
FIRST = """
    settings: {store_incomplete_executions: STORES}
    flow:
      - {id: risky, module: raising.any, with: {type: TYPE}}
      - {id: save, module: probe.record, with: {text: reached}}
"""


def failing(folder: Path, text: str, row: Row, *, stores: bool) -> Bench:
    text = text.replace("TYPE", row.type).replace("STORES", str(stores).lower())
    return Bench(folder, text)


async def standing(bench: Bench) -> tuple[int, bool]:
    """Return the scenario's errors in a row, and whether it is still active."""
    scenario = await bench.store.scenario("probe")
    return scenario.errors_in_row, scenario.active


def note_of_deactivation(bench: Bench) -> bool:
    return any("is deactivated: fusion activate probe" in note for note in bench.listener.notes)


@every_type
async def test_in_a_later_node_of_a_scenario_that_stores(tmp_path: Path, row: Row) -> None:
    bench = failing(tmp_path, LATER, row, stores=True)

    execution = await bench.run_in_turn()

    stored = await bench.stored()
    assert len(stored) == row.stored + row.shuts
    assert {one.failure.type for one in stored} <= {row.type}
    pending = [one.status is IncompleteStatus.PENDING for one in stored]
    assert pending == [row.retried] * len(stored)
    assert bench.seen == (["save:2"] if row.stored and not row.shuts else [])
    assert execution.status is (Status.WARNING if row.stored else Status.ERROR)
    taken = set(await bench.store.cursor("probe", "mail"))
    assert taken == ({"1", "2"} if row.stored else set())
    counted = row.shuts or (row.counts and not row.stored)
    assert await standing(bench) == (int(counted), not row.deactivates)
    assert note_of_deactivation(bench) is row.deactivates


@every_type
async def test_in_a_later_node_of_a_scenario_that_does_not_store(tmp_path: Path, row: Row) -> None:
    bench = failing(tmp_path, LATER, row, stores=False)

    execution = await bench.run_in_turn()

    assert await bench.stored() == []
    assert bench.seen == []
    assert execution.status is Status.ERROR
    assert execution.failure is not None
    assert execution.failure.type == row.type
    assert await bench.store.cursor("probe", "mail") == {}
    assert await standing(bench) == (int(row.counts), not row.deactivates)
    assert note_of_deactivation(bench) is row.deactivates


@every_type
@pytest.mark.parametrize("stores", [True, False])
async def test_in_the_first_node(tmp_path: Path, row: Row, stores: bool) -> None:
    bench = failing(tmp_path, FIRST, row, stores=stores)

    execution = await bench.run_in_turn()

    assert await bench.stored() == []
    assert bench.seen == []
    assert execution.status is (Status.WARNING if row.mild else Status.ERROR)
    counted = row.counts and not row.mild
    assert await standing(bench) == (int(counted), not row.deactivates)
