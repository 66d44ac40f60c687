"""The one thread that may use a store's connection: it makes blocking calls for coroutines.

It does less than an executor of `concurrent.futures`, whose futures are waited for by threads too:
a call costs half as much, and a durable step is two of them.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeAlias, TypeVar, TypeVarTuple

_Args = TypeVarTuple("_Args")
_Result = TypeVar("_Result")


class _Call(NamedTuple):
    function: Callable[[], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


_Calls: TypeAlias = "SimpleQueue[_Call | None]"


class StoreThread:
    """Makes one call after the other, in their order. It is started by the first."""

    def __init__(self) -> None:
        self._calls: _Calls = SimpleQueue()
        self._is_started = False

    def __call__(
        self, function: Callable[[*_Args], _Result], *args: *_Args
    ) -> asyncio.Future[_Result]:
        """Return a future of what the call gives or raises.

        If that is cancelled, a call that has not begun is never made; one that has goes on.
        """
        if not self._is_started:
            self._is_started = True
            Thread(target=_work, args=(self._calls,), name="store", daemon=True).start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()
        self._calls.put(_Call(partial(function, *args), future, loop))
        return future

    def end(self) -> None:
        """Let the thread end after the calls that wait."""
        self._calls.put(None)


def _work(calls: _Calls) -> None:
    while (call := calls.get()) is not None:
        if not call.future.cancelled():
            _make(call)
        del call  # what it holds is not kept until the next one comes


def _make(call: _Call) -> None:
    try:
        tell = partial(_succeed, call.future, call.function())
    except BaseException as error:
        tell = partial(_fail, call.future, error)
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        call.loop.call_soon_threadsafe(tell)


def _succeed(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
