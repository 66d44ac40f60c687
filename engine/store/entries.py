"""Entries of the journal and origins of executions as payloads, and back. Shared by all stores."""

from collections.abc import Mapping
from dataclasses import asdict
from operator import attrgetter
from typing import Any, Final

from engine.model.bundle import File
from engine.model.events import Event
from engine.model.journal import Entry, OperationPlace, Origin, Stage
from engine.store.encode import PathOf, decode, encode, encode_with_files, files_in
from engine.store.records import files_of, incomplete_of, incomplete_row

_WHAT_IT_GAVE: Final = ("outputs", "marks", "variables", "own_variables", "failure")
_given: Final = attrgetter(*_WHAT_IT_GAVE)


def entry_payload(entry: Entry) -> tuple[bytes, tuple[File, ...]]:
    """Return what an entry holds besides its place, and the files that a resumed run would need.

    Raises UnstorableError.
    """
    given = zip(_WHAT_IT_GAVE, _given(entry), strict=True)
    return encode_with_files({name: value for name, value in given if value})


def entry_of(place: OperationPlace, row: Mapping[str, Any], path_of: PathOf) -> Entry:
    """Return the entry of a row with `stage`, `record_id` and an opened `payload`."""
    payload = decode(row["payload"], path_of)
    return Entry(place, Stage(row["stage"]), record_id=row["record_id"], **payload)


def origin_payload(origin: Origin) -> bytes:
    """Return all that an execution needs to be run again, but for the contents of files."""
    replayed = origin.replayed
    return encode(
        {
            "source": origin.source,
            "source_path": origin.source_path,
            "inputs": origin.inputs,
            "fed": origin.fed,
            "replayed": replayed and {**incomplete_row(replayed), "status": replayed.status},
            "event": origin.event and asdict(origin.event),
            "from_trigger": origin.from_trigger,
            "is_confidential": origin.is_confidential,
        }
    )


def origin_of(payload: bytes, path_of: PathOf) -> Origin:
    """Return the origin that was stored; its files lie where `path_of` says."""
    content = decode(payload, path_of)
    replayed, event = content.pop("replayed"), content.pop("event")
    return Origin(
        **content,
        event=event and Event(**event),
        replayed=replayed and incomplete_of(replayed, path_of),
    )


def files_of_origin(origin: Origin) -> tuple[File, ...]:
    """Return the files that a run from the beginning would need."""
    replayed = () if origin.replayed is None else files_of(origin.replayed)
    return (*files_in([origin.fed, origin.inputs]), *replayed)
