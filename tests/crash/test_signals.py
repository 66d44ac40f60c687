"""SIGTERM and Ctrl-C at each stage of a run: it ends in order, and the next run takes up the rest.

Of a conversion, `test_interrupt.py` tells.
"""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from workplace import environment

from engine.store.sqlite import open_sqlite

TESTS = Path(__file__).parents[1]
SIGNALS = {signal.SIGINT: {130}, signal.SIGTERM: {143}}

SCENARIO = """\
settings: {store_incomplete_executions: true}
flow:
  - {id: came, module: stopped.source, with: {count: 4}}
  - {id: pure, module: stopped.pass, with: {value: "{{ came.id }}"}}
  - {id: wait, module: stopped.wait, with: {value: "{{ pure.value }}"}}
  - {id: parcel, module: deliver.parcel, with: {text: "{{ wait.value }}"}}
  - id: check
    module: flow.throw
    with: {when: "{{ came.id == 2 }}", type: DataError, message: "no two"}
    on_error: [{module: flow.break}]
  - {id: end, module: deliver.parcel, with: {text: "last-{{ came.id }}"}}
"""
RUN = ("run", "stages.yaml", "--modules", str(TESTS / "probe_modules"))
WHOLE = {"1": 1, "2": 1, "3": 1, "4": 1, "last-1": 1, "last-3": 1, "last-4": 1}


def fusion(folder: Path, *words: str, signum: int = 0, moment: str = "none") -> tuple[int, str]:
    """Run the command with a signal at a moment; return how it ended, and what it said."""
    program = [sys.executable, str(TESTS / "signalled.py"), str(int(signum)), moment]
    ended = subprocess.run(
        [*program, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout + ended.stderr


def delivered(folder: Path) -> Counter[str]:
    path = folder / "delivered.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(line.split()[1] for line in lines)


async def stored(folder: Path) -> list[str]:
    store = await open_sqlite(folder / ".fusion", create=False)
    nodes = [one.node_id for one in await store.incompletes()]
    await store.close()
    return nodes


@pytest.mark.parametrize("signum", SIGNALS)
@pytest.mark.parametrize("stage", ["came", "pure", "wait", "commit 4", "summary"])
async def test_a_run_that_is_told_to_stop_loses_nothing_and_the_next_takes_up_the_rest(
    tmp_path: Path, stage: str, signum: signal.Signals
) -> None:
    (tmp_path / "stages.yaml").write_text(SCENARIO)
    is_node = stage in {"came", "pure", "wait"}
    if is_node:
        (tmp_path / "stop").write_text(f"{stage} {int(signum)}")
    moment = "none" if is_node else stage
    code, told = fusion(tmp_path, *RUN, signum=signum, moment=moment)
    assert code in SIGNALS[signum], told
    before = delivered(tmp_path)
    assert (before == WHOLE) is (stage == "summary")

    code, told = fusion(tmp_path, *RUN)

    assert code == (0 if stage == "summary" else 3), told
    assert delivered(tmp_path) == WHOLE
    assert await stored(tmp_path) == ["check"]
