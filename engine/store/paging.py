"""All of a selection, page by page: any number in flat memory, each page as fast as the first."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from engine.model.selection import Changed, Selection, Summary
from engine.run.ports import Store

PAGE: Final = 500
"""Rows that are read, or changed in one transaction, at a time: others get a turn in between."""


async def each(store: Store, selection: Selection) -> AsyncIterator[Summary]:
    """Yield what is selected, oldest first; what is changed meanwhile may be missed or come."""
    behind: Summary | None = None
    while True:
        page = await store.page_of(selection, behind=behind, limit=PAGE)
        for summary in page.summaries:
            yield summary
        if not page.more:
            return
        behind = page.summaries[-1]


async def chosen(store: Store, ids: Sequence[str], selection: Selection | None) -> list[Summary]:
    """Return those with these ids, which may be shortened, each once; no ids: what is selected.

    Raises NotFoundError for an id.
    """
    if ids:
        found = [await store.summary(one) for one in ids]
        return list({one.id: one for one in found}.values())
    return [one async for one in each(store, selection or Selection())]


async def delete(store: Store, ids: Sequence[str]) -> Changed:
    """Delete any number, as `Store.delete_incompletes` does."""
    parts = [await store.delete_incompletes(some) for some in _in_pages(ids)]
    return _together(parts)


async def resolve(store: Store, ids: Sequence[str]) -> Changed:
    """Mark any number as done, as `Store.resolve_incompletes` does."""
    parts = [await store.resolve_incompletes(some) for some in _in_pages(ids)]
    return _together(parts)


def _in_pages(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + PAGE] for at in range(0, len(ids), PAGE)]


def _together(parts: Sequence[Changed]) -> Changed:
    done = [one for part in parts for one in part.done]
    busy = [one for part in parts for one in part.busy]
    return Changed(tuple(done), tuple(busy))
