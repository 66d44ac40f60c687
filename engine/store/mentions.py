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
    """Return those of the names that an incomplete execution which is not resolved holds.

    Its bundles, fields and failures are searched. A name counts where it is a whole text, or, if it
    is made of letters, digits and hyphens, where it stands by itself in one, as in a URL.
    """
    found: set[str] = set()
    wanted = frozenset(names)
    if not wanted:
        return frozenset()
    async for summary in each(store, Selection()):
        try:
            incomplete = await store.incomplete(summary.id)
        except NotFoundError:
            # Deleted since it was listed.
            continue
        found |= _names_in(incomplete, wanted)
        if len(found) == len(wanted):
            break
    return frozenset(found)


def _names_in(incomplete: Incomplete, wanted: frozenset[str]) -> set[str]:
    failures = [incomplete.failure, *(one.failure for one in incomplete.earlier)]
    kept = [incomplete.bundles, incomplete.fields, [one.detail for one in failures]]
    found: set[str] = set()
    for text in _texts(kept):
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
