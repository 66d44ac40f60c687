"""Which names of things elsewhere stored work still refers to: jobs at a service, for one.

Asked by servers of our own before they let go of something that is past its time.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from engine.errors import NotFoundError
from engine.model.execution import Incomplete
from engine.model.selection import Selection
from engine.run.ports import Store
from engine.store.paging import each

LONGEST_TEXT: Final = 100_000
"""Characters of one text that are searched for names inside of it."""

_NAME = re.compile(r"[\w-]+")


async def mentioned(store: Store, names: Collection[str]) -> frozenset[str]:
    """Return those of the names that an incomplete execution which is not resolved holds, or an
    event that waits.

    Bundles, fields, failures and payloads are searched. A name counts where it is a whole text, or,
    if it is made of letters, digits and hyphens, where it stands by itself in one, as in a URL.
    """
    wanted = frozenset(names)
    if not wanted:
        return frozenset()
    found = _names_in(await store.events.payloads(), wanted)
    async for summary in each(store, Selection()):
        try:
            incomplete = await store.incomplete(summary.id)
        except NotFoundError:
            # Deleted since it was listed.
            continue
        found |= _names_in(_kept(incomplete), wanted)
        if len(found) == len(wanted):
            break
    return frozenset(found)


def _kept(incomplete: Incomplete) -> list[Any]:
    failures = [incomplete.failure, *(one.failure for one in incomplete.earlier)]
    return [incomplete.bundles, incomplete.fields, [one.detail for one in failures]]


def _names_in(value: Any, wanted: frozenset[str]) -> set[str]:
    found: set[str] = set()
    for text in _texts(value):
        if text in wanted:
            found.add(text)
        elif len(text) <= LONGEST_TEXT:
            found.update(name for name in _NAME.findall(text) if name in wanted)
    return found


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, those of names of items left out."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case Mapping() as items:
                waiting += items.values()
            case list() | tuple() as elements:
                waiting += elements
