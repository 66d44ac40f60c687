"""Signals: the first ends the work in good order, the second at once."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from engine.cli.exits import Exit, Stopped
from engine.cli.running import run_async

WAITS = 60
"""Seconds that the work would take if no signal came."""


async def _interrupted(number: int) -> str:
    """Send the signal to this process and say how the work heard of it."""
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
    try:
        await asyncio.sleep(WAITS)
    except asyncio.CancelledError:
        return "cancelled"
    return "finished"


async def _interrupted_elsewhere() -> str:
    """Let another thread take the signal while this one waits, which the signal does not end."""

    def take() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    threading.Timer(0.1, take).start()
    try:
        await asyncio.sleep(WAITS)
    except asyncio.CancelledError:
        return "cancelled"
    return "finished"


async def _stubborn() -> None:
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
    await asyncio.sleep(WAITS)


async def _at_peace() -> str:
    await asyncio.sleep(0)
    return "done"


def test_work_without_signals_returns_its_result() -> None:
    assert run_async(_at_peace()) == ("done", None)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_the_first_signal_cancels_the_work_and_keeps_its_result(number: int, code: Exit) -> None:
    assert run_async(_interrupted(number)) == ("cancelled", code)


def test_a_signal_that_another_thread_took_is_heard_at_once() -> None:
    assert run_async(_interrupted_elsewhere()) == ("cancelled", Exit.TERMINATED)


def test_work_that_has_no_result_when_it_is_cancelled_stops_with_the_code() -> None:
    with pytest.raises(Stopped) as stopped:
        run_async(_stubborn())
    assert stopped.value.code is Exit.INTERRUPTED


def test_the_actions_of_signals_are_as_before() -> None:
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    run_async(_at_peace())
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


NEVER_ENDS = """
import asyncio
from engine.cli.running import run_async

async def work():
    print("ready", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("heard", flush=True)

run_async(work())
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_leaves_at_once(number: int, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NEVER_ENDS], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "heard\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == code


DAWDLES = """
import asyncio, os, signal
from engine.cli.running import run_async

async def dawdling() -> None:
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

run_async(dawdling(), stop_seconds=0.1)
"""


def test_work_that_takes_too_long_to_end_is_left() -> None:
    ended = subprocess.run([sys.executable, "-c", DAWDLES], timeout=60, check=False)
    assert ended.returncode == Exit.TERMINATED
