"""The incomplete executions of a SQLite store: parked, claimed, listed, counted, deleted.

Blocking: `engine.store.sqlite` calls them in its worker thread. Lists read the columns beside the
data, along an index, so that a page costs the same wherever it lies. A claim names its process;
when that process is gone, the claim does not hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import Final

from engine.model.execution import Incomplete, IncompleteStatus
from engine.model.journal import OperationPlace
from engine.model.selection import Cause, Changed, Page, Selection, Summary
from engine.store import refused
from engine.store.database import Database
from engine.store.files import FolderFiles
from engine.store.journal import SqliteJournal
from engine.store.lookup import find
from engine.store.records import (
    Row,
    files_of,
    from_moment,
    incomplete_of,
    incomplete_row,
    summary_of,
)
from engine.store.seal import Seal
from engine.store.summaries import cause_row
from engine.store.where import (
    STORED,
    Where,
    after,
    of_data,
    of_origin,
    of_status,
    of_stored,
    wanted_statuses,
)

MERGED: Final = 16
"""Causes whose rows are read each along its index and merged; of more, the rows are scanned."""

MOST_CAUSES: Final = 200
"""Causes that are told, those with the most rows."""

_ALIVE: Final = (IncompleteStatus.UNRESOLVED, IncompleteStatus.PENDING)


class Parked:
    """The tables of incomplete executions in one database."""

    def __init__(
        self, database: Database, files: FolderFiles, seal: Seal, journal: SqliteJournal
    ) -> None:
        self._database = database
        self._files = files
        self._seal = seal
        self._journal = journal

    def park(self, incomplete: Incomplete, failed: OperationPlace | None) -> None:
        self._database.flush(files_of(incomplete))
        with self._database.transaction():
            self.put(incomplete)
            if failed is not None:
                self._journal.stored(failed, incomplete.id)

    def put(self, incomplete: Incomplete) -> None:
        """Store an incomplete execution inside a transaction; its files are on disk."""
        row = incomplete_row(incomplete)
        payload = row.pop("payload")
        if incomplete.confidential:
            payload = self._seal.closed(payload, incomplete.id)
        known = self._database.query("incomplete_claim", id=incomplete.id)
        if known and self._claimed(known[0], by_others=True):
            raise refused.in_progress(incomplete.id)
        status, claim = incomplete.status, None
        if status is IncompleteStatus.IN_PROGRESS:
            claim = self._database.processes.own
            status = known[0]["status"] if known else IncompleteStatus.UNRESOLVED
        self._database.change("know_cause", **cause_row(incomplete))
        self._database.change("park", **row, status=status, claimed_by=claim)
        self._database.change("keep_payload", id=incomplete.id, payload=payload)
        self._database.change("forget_files", id=incomplete.id)
        for sha256 in {file.sha256 for file in files_of(incomplete)}:
            self._database.change("name_file", id=incomplete.id, sha256=sha256)

    def one(self, incomplete_id: str) -> Incomplete:
        row = find(self._database, "incomplete", incomplete_id)
        return self._whole(self._shown(row))

    def all(
        self, scenario_id: str | None, execution_id: str | None, wanted: set[IncompleteStatus]
    ) -> list[Incomplete]:
        rows = self._database.query(
            "incompletes",
            scenario_id=scenario_id,
            execution_id=execution_id,
            **{status.name.lower(): status if status in wanted else "" for status in STORED},
        )
        shown = (self._whole(self._shown(row)) for row in rows)
        return [incomplete for incomplete in shown if incomplete.status in wanted]

    def claim(self, incomplete_id: str) -> Incomplete:
        with self._database.transaction():
            row = find(self._database, "incomplete", incomplete_id)
            if self._claimed(row):
                raise refused.in_progress(row["id"])
            if row["status"] == IncompleteStatus.RESOLVED:
                raise refused.resolved(row["id"])
            self._database.change("claim", id=row["id"], process=self._database.processes.own)
        return self._whole(row)

    def summary(self, incomplete_id: str) -> Summary:
        row = find(self._database, "incomplete", incomplete_id, query="incomplete_row")
        return summary_of(self._shown(row))

    def claim_ahead(self, ids: Sequence[str]) -> list[Incomplete]:
        """Claim those that can be claimed, in one transaction."""
        rows: list[Row] = []
        with self._database.transaction():
            for one in ids:
                found = self._database.query("incomplete", id=one)
                if found and found[0]["status"] != IncompleteStatus.RESOLVED:
                    rows += [row for row in found if not self._claimed(row)]
            for row in rows:
                self._database.change("claim", id=row["id"], process=self._database.processes.own)
        return [self._whole(row) for row in rows]

    def let_go(self, ids: Sequence[str]) -> None:
        """Give up claims of this process; the records are as they were before."""
        with self._database.transaction():
            for one in ids:
                self._database.change("let_go", id=one, process=self._database.processes.own)

    def page(self, selection: Selection, behind: Summary | None, limit: int) -> Page:
        wanted = wanted_statuses(selection)
        found: list[Summary] = []
        while len(found) <= limit:
            rows = list(islice(self._rows(selection, behind, limit + 1), limit + 1))
            shown = [summary_of(self._shown(row)) for row in rows]
            found += [one for one in shown if one.status in wanted]
            if len(rows) <= limit:
                break
            behind = shown[-1]
        return Page(tuple(found[:limit]), more=len(found) > limit)

    def count(self, selection: Selection) -> int:
        wanted = wanted_statuses(selection)
        stored = [status for status in STORED if status in wanted]
        if _needs_rows(selection):
            where = _scanned(selection, of_stored(stored))
            count: int = self._select("incomplete_count", where)[0]["count"]
        else:
            count = sum(row[name] for row in self._causes(selection) for name in stored)
        return count + self._in_progress(selection, wanted)

    def causes(self, selection: Selection) -> list[Cause]:
        """Return causes with how many rows each has; one in progress counts as what it was."""
        known = {row["id"]: row for row in self._causes(selection)}
        stored = [status for status in STORED if status in wanted_statuses(selection)]
        if _needs_rows(selection) or not stored:
            where = of_stored(stored) if stored else of_status({IncompleteStatus.IN_PROGRESS})
            rows = self._select("incomplete_causes", _scanned(selection, where))
            counts = {row["id"]: row["count"] for row in rows}
        else:
            counts = {one: sum(row[name] for name in stored) for one, row in known.items()}
        most = sorted(counts, key=lambda one: (-counts[one], one))[:MOST_CAUSES]
        told = (self._cause(selection, known[one], counts[one]) for one in most)
        return [cause for cause in told if cause is not None]

    def delete(self, ids: Sequence[str]) -> Changed:
        changed = self._change_each("delete_incomplete", ids)
        with self._database.transaction():
            self._database.change("forget_causes")
        return changed

    def resolve(self, ids: Sequence[str]) -> Changed:
        return self._change_each("resolve", ids)

    def _change_each(self, query: str, ids: Sequence[str]) -> Changed:
        """Change rows in one transaction, but for those in progress; unknown ids do not matter."""
        done: list[str] = []
        busy: list[str] = []
        with self._database.transaction():
            for one in ids:
                rows = self._database.query("incomplete_claim", id=one)
                if rows and self._claimed(rows[0]):
                    busy.append(one)
                elif rows and self._database.change(query, id=one):
                    done.append(one)
        return Changed(tuple(done), tuple(busy))

    def _rows(self, selection: Selection, behind: Summary | None, limit: int) -> Iterator[Row]:
        """Yield rows in order, at least `limit` of them if there are as many."""
        wanted = wanted_statuses(selection)
        base = after(behind, of_status(wanted))
        ways = [_scanned(selection, base)]
        if IncompleteStatus.RESOLVED not in wanted and _names_causes(selection):
            causes = [row["id"] for row in self._causes(selection)]
            if len(causes) <= MERGED:
                ways = [of_data(selection, base.also("if_cause", cause=cause)) for cause in causes]
        rows = (self._select("incomplete_page", way, limit=limit) for way in ways)
        return merge(*rows, key=lambda row: (row["created_at"], row["seq"]))

    def _causes(self, selection: Selection) -> list[Row]:
        """Return the causes that a selection names."""
        where = of_origin(selection, Where())
        if selection.cause is not None:
            where = where.also("if_cause_id", cause=selection.cause)
        return self._select("causes", where)

    def _cause(self, selection: Selection, row: Row, count: int) -> Cause | None:
        own = replace(selection, cause=row["id"])
        oldest = self.page(own, None, 1).summaries
        if not count or not oldest:
            return None
        where = of_data(selection, of_status(wanted_statuses(selection)))
        newest = self._select("incomplete_newest", where.also("if_cause", cause=row["id"]))
        return Cause(
            id=row["id"],
            scenario_id=row["scenario_id"],
            node_id=row["node_id"],
            error_type=row["error_type"],
            message=row["message"],
            count=count,
            oldest_id=oldest[0].id,
            oldest_at=oldest[0].created_at,
            newest_at=from_moment(newest[0]["newest"]),
        )

    def _in_progress(self, selection: Selection, wanted: frozenset[IncompleteStatus]) -> int:
        """Return by how much rows that are claimed change a count that goes by stored statuses."""
        if {*_ALIVE, IncompleteStatus.IN_PROGRESS} <= wanted:
            return 0
        where = _scanned(selection, Where(("if_open", "if_claimed")))
        claims = [row for row in self._select("incomplete_claims", where) if self._claimed(row)]
        counted = sum(row["status"] in wanted for row in claims)
        return (len(claims) if IncompleteStatus.IN_PROGRESS in wanted else 0) - counted

    def _whole(self, row: Row) -> Incomplete:
        payload = self._seal.opened(row["payload"], row["id"])
        return incomplete_of({**row, "payload": payload}, self._files.path_of)

    def _select(self, query: str, where: Where, **parameters: object) -> list[Row]:
        conditions = where.conditions or ("if_all",)
        return self._database.query_where(query, conditions, **where.parameters, **parameters)

    def _claimed(self, row: Row, *, by_others: bool = False) -> bool:
        process, processes = row["claimed_by"], self._database.processes
        if process is None or (by_others and process == processes.own):
            return False
        return processes.lives(process)

    def _shown(self, row: Row) -> Row:
        """Return the row with the status that people see."""
        if not self._claimed(row):
            return row
        return dict(row) | {"status": IncompleteStatus.IN_PROGRESS}


def _scanned(selection: Selection, base: Where) -> Where:
    """Return the conditions of a selection as one query can ask them."""
    where = of_data(selection, of_origin(selection, base))
    return where if selection.cause is None else where.also("if_cause", cause=selection.cause)


def _needs_rows(selection: Selection) -> bool:
    """Say whether the counts kept per cause do not answer for a selection."""
    return bool(selection.text or selection.created_before or selection.created_since)


def _names_causes(selection: Selection) -> bool:
    origin = (selection.scenario_id, selection.node_id, selection.error_type, selection.cause)
    return any(part is not None for part in origin)
