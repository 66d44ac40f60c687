"""Numbers that are never reset, and replays beside runs, through the front door."""

import asyncio
import os
from pathlib import Path

import pytest
from front_door import PEOPLE, fusion, letters, only_incomplete, write
from runs import Listener

from engine.app import Operator
from engine.app.replaying import replay
from engine.cli.exits import Exit
from engine.model.execution import Status
from engine.store.sqlite import open_sqlite

NUMBERED = """\
flow:
  - id: letter
    module: files.watch_folder
    with: {folder: inbox}
  - id: serial
    module: tools.increment
    with: {reset_after: never}
  - id: save
    module: files.save_file
    with: {folder: outbox, file: {name: "{{ serial.i }}-{{ letter.name }}", data: x}}
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, with nothing of the real environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)


def test_a_number_that_is_never_reset_outlives_a_reset_of_the_trigger() -> None:
    scenario = write("letters.yaml", NUMBERED)
    for name in ("a", "b"):
        letters(name)
        assert fusion("run", scenario).exit_code == Exit.OK

    assert fusion("run", scenario, "--reset-trigger").exit_code == Exit.OK

    assert sorted(path.name for path in Path("outbox").iterdir()) == ["1-a", "2-b", "3-a", "4-b"]


def test_resetting_the_trigger_resets_no_number_in_its_place() -> None:
    node = "{id: serial, module: tools.increment, with: {reset_after: never}}"
    save = "{module: files.save_file, with: {folder: outbox, file: {name: N, data: x}}}"
    save = save.replace("N", '"{{ serial.i }}"')
    scenario = write("serial.yaml", f"flow:\n  - {node}\n  - {save}\n")
    for options in ([], ["--reset-trigger"]):
        assert fusion("run", scenario, *options).exit_code == Exit.OK
    assert sorted(path.name for path in Path("outbox").iterdir()) == ["1", "2"]


class Releasing(Listener):
    """Ends the run that a replay waits for, as soon as it says so."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = asyncio.Event()

    def note(self, text: str) -> None:
        super().note(text)
        self.heard.set()


@pytest.fixture
def stored() -> str:
    """Run a scenario that leaves an incomplete execution, and return its id."""
    fusion("run", write("people.yaml", PEOPLE))
    return only_incomplete()


async def test_a_replay_waits_while_its_scenario_runs(stored: str) -> None:
    listener, runs = Releasing(), asyncio.Event()

    async def run() -> None:
        store = await open_sqlite(Path(".fusion"), create=False)
        async with store.run_lock("people", wait=False, on_wait=print):
            runs.set()
            await listener.heard.wait()
        await store.close()

    running = asyncio.create_task(run())
    await runs.wait()
    (result,) = (await replay([stored], Operator(), listener)).results
    await running
    assert result.execution is not None

    assert listener.notes == [
        f"waiting for process {os.getpid()}, which is running scenario `people`"
    ]
    assert result.execution.status is Status.WARNING
