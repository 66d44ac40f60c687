"""What triggers and searches emit, remembered bundle by bundle. Used by `steps`.

A run that is taken up again emits first what had been emitted, with the trigger's marks that belong
to it. Then the module runs for the rest.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial

from engine.errors import RunError, StoreError
from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.model.journal import Entry, OperationPlace, Stage
from engine.run.cursor import TriggerCursor
from engine.run.journaling import Journaling, Resuming, has_effect
from engine.run.operation import Operation, close, next_of
from engine.run.remembered import error_of, failure_json
from engine.run.surroundings import Stream
from engine.run.waiting import ACKNOWLEDGED


def emitting(
    journal: Journaling, operation: Operation, cursor: TriggerCursor | None
) -> Callable[[Scope], Stream]:
    """Return what lets a trigger or a search emit for the bundle in a scope.

    `cursor` is the trigger's; what it sets there is remembered with the bundle that follows.
    """
    if not (journal.is_on and has_effect(operation.node)):
        return operation.stream
    return partial(_emitted, journal, operation, cursor)


@dataclass(slots=True)
class _Before:
    """What has been emitted before: how much, and what comes again if there are no marks.

    That an event is acknowledged is no mark by which its trigger would go on.
    """

    count: int = 0
    has_marks: bool = False
    again: deque[Bundle] = field(default_factory=deque)

    def take(self, entry: Entry) -> None:
        self.count += 1
        self.has_marks = self.has_marks or bool(entry.marks.keys() - {ACKNOWLEDGED})
        if self.has_marks:
            self.again.clear()
        else:
            self.again.extend(entry.outputs)

    def leaves_out(self, bundle: Bundle) -> bool:
        """Take a bundle from those that come again, usually in the same order."""
        if not self.again:
            return False
        if self.again[0] == bundle:
            self.again.popleft()
            return True
        try:
            self.again.remove(bundle)
        except ValueError:
            return False
        return True


async def _emitted(
    journal: Journaling, operation: Operation, cursor: TriggerCursor | None, scope: Scope
) -> AsyncIterator[Bundle]:
    place, before = journal.place_of(operation.node.id, scope), _Before()
    while (known := await journal.known(_numbered(place, before.count + 1))) is not None:
        journal.resumed.reused += 1
        before.take(known)
        if cursor is not None:
            cursor.set_all(known.marks)
        if known.failure is not None:
            raise error_of(known.failure)
        if not known.outputs:
            return
        yield known.outputs[0]
    if cursor is not None and journal.resuming is Resuming.TAKEN:
        return
    operation.context.path = place.path
    stream = operation.stream(scope)
    try:
        async for entry in _live(journal, (operation, stream), place, before, cursor):
            await journal.note(entry)
            if entry.outputs:
                yield entry.outputs[0]
    finally:
        await close(stream)


async def _live(
    journal: Journaling,
    source: tuple[Operation, Stream],
    place: OperationPlace,
    before: _Before,
    cursor: TriggerCursor | None,
) -> AsyncIterator[Entry]:
    """Yield an entry for each bundle that is new, and one for the end; note what it fails with.

    A stream without marks begins anew when it is resumed, and what it emitted before is left out;
    one with marks goes on by itself.
    """
    operation, stream = source
    number = before.count + 1
    while True:
        at = _numbered(place, number)
        try:
            bundle = await next_of(stream)
        except (RunError, StoreError):
            raise
        except Exception as error:
            failure = failure_json(error, operation.node)
            await journal.note(journal.entry(at, Stage.FAILED, failure=failure))
            raise
        marks = {} if cursor is None else cursor.written
        if bundle is None:
            yield journal.entry(at, Stage.GAVE, marks=marks)
            return
        if not before.leaves_out(bundle):
            number += 1
            yield journal.entry(at, Stage.GAVE, outputs=(bundle,), marks=marks)


def _numbered(place: OperationPlace, number: int) -> OperationPlace:
    """Return the place of a bundle that a stream emits."""
    return OperationPlace(place.execution_id, place.node_id, f"{place.path}+{number}")
