"""While a scenario runs in one process, its incomplete executions are worked on in others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from workplace import Place, environment

GATE = '''
"""A module that waits until somebody writes into the pipe `gate` beside the scenario."""

import asyncio
from collections.abc import AsyncIterator

from engine.module import Bundle, Context, Effect, Fields, Module


class WaitFields(Fields):
    """None."""


class Wait(Module[WaitFields, Bundle]):
    """Wait for the gate to open."""

    id = "gate.wait"
    effect = Effect.WRITE

    async def execute(self, fields: WaitFields, ctx: Context) -> AsyncIterator[Bundle]:
        path = ctx.folder / "gate"
        await asyncio.to_thread(path.read_bytes)
        yield {}
'''

SCENARIO = """\
settings: {store_incomplete_executions: true}
flow:
  - id: order
    module: tools.basic_trigger
    with: {bundles: [{id: 1, price: null}, {id: 2, price: 3}]}
  - id: total
    module: tools.set_variables
    with: {variables: {sum: "{{ order.price * 2 }}"}}
    on_error: [{module: flow.break}]
  - id: wait
    module: gate.wait
    filter: "{{ order.id == 2 }}"
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods/gate.py").write_text(GATE)
    (tmp_path / "orders.yaml").write_text(SCENARIO)
    (tmp_path / ".fusion").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "gate")
    return Place(tmp_path)


def start(place: Place, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *words],
        cwd=place.folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line_with(process: subprocess.Popen[str], said: str) -> None:
    """Read what a process tells until a line has this text; fail if it ends before."""
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if said in line:
            return
    raise AssertionError("".join(told))


def test_records_are_listed_edited_and_replayed_beside_a_live_run(place: Place) -> None:
    run = start(place, "run", "orders.yaml", "--modules", "mods")
    try:
        line_with(run, "total failed")
        listed = json.loads(place.fusion("incomplete", "list", "--json"))
        (record,) = listed["incomplete"]
        assert record["status"] == "unresolved"
        words = ("incomplete", "edit", record["id"], "--set", "order.price=5")
        place.fusion(*words, "--modules", "mods")
        assert "price: 5" in place.fusion("incomplete", "show", record["id"])

        replay = start(place, "replay", record["id"], "--modules", "mods")
        try:
            line_with(replay, "which is running scenario `orders`")
            assert run.poll() is None
            (place.folder / "gate").write_bytes(b"open")
            assert run.wait(60) == 3
            assert replay.wait(60) == 0
        finally:
            replay.kill()
            replay.communicate()
    finally:
        run.kill()
        run.communicate()
    assert place.fusion("incomplete", "list") == "no incomplete executions\n"


def test_what_is_being_replayed_is_left_alone_by_others(place: Place) -> None:
    run = start(place, "run", "orders.yaml", "--modules", "mods")
    line_with(run, "total failed")
    (place.folder / "gate").write_bytes(b"open")
    run.communicate()
    (record,) = json.loads(place.fusion("incomplete", "list", "--json"))["incomplete"]
    words = ("--set", "order.price=5", "--set", "order.id=2", "--modules", "mods")
    place.fusion("incomplete", "edit", record["id"], *words)

    replay = start(place, "replay", record["id"], "--modules", "mods", "--json")
    try:
        busy = ("incomplete", "list", "--status", "in-progress", "--json")
        while not json.loads(place.fusion(*busy))["incomplete"]:
            assert replay.poll() is None, replay.communicate()
        change = ("incomplete", "edit", record["id"], "--set", "order.price=6")
        place.fusion(*change, "--modules", "mods", exit_code=6)
        place.fusion("incomplete", "delete", record["id"], exit_code=6)
        place.fusion("incomplete", "resolve", record["id"], exit_code=6)
        (place.folder / "gate").write_bytes(b"open")
        assert replay.wait(60) == 0
    finally:
        replay.kill()
        replay.communicate()
    assert place.fusion("incomplete", "list") == "no incomplete executions\n"
