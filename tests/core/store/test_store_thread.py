"""The thread of a store makes calls in order, and none is cut short or made for nobody."""

import asyncio
from collections.abc import Iterator
from threading import Event, current_thread

import pytest

from engine.store.thread import StoreThread


@pytest.fixture
def in_thread() -> Iterator[StoreThread]:
    thread = StoreThread()
    yield thread
    thread.end()


async def test_calls_are_made_one_after_the_other_in_one_thread(in_thread: StoreThread) -> None:
    made: list[tuple[int, str]] = []

    def call(number: int) -> int:
        made.append((number, current_thread().name))
        return number

    assert await asyncio.gather(*(in_thread(call, number) for number in range(50))) == [*range(50)]
    assert made == [(number, "store") for number in range(50)]


async def test_what_a_call_raises_is_raised_and_the_next_call_is_made(
    in_thread: StoreThread,
) -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 1, 0)
    assert await in_thread(divmod, 7, 2) == (3, 1)


async def test_a_cancelled_call_goes_on_if_it_has_begun_and_is_never_made_if_not(
    in_thread: StoreThread,
) -> None:
    began, may_end, made = Event(), Event(), list[str]()

    def long() -> None:
        began.set()
        may_end.wait()
        made.append("begun")

    first, second = in_thread(long), in_thread(made.append, "not begun")
    began.wait()
    first.cancel()
    second.cancel()
    may_end.set()
    await in_thread(made.append, "next")
    assert made == ["begun", "next"]


def test_a_call_whose_loop_has_been_closed_meanwhile_does_not_end_the_thread(
    in_thread: StoreThread,
) -> None:
    may_end = Event()

    async def left_behind() -> None:
        in_thread(may_end.wait)

    asyncio.run(left_behind())
    may_end.set()

    async def later() -> tuple[int, int]:
        return await in_thread(divmod, 7, 2)

    assert asyncio.run(later()) == (3, 1)
