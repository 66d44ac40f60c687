"""A conversion whose connection is refused, reset, closed, silent or slow, at every phase of it.

Over real sockets, in virtual time: what is silent is given up by the client's true limits.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from clocks import SocketLoop, virtually
from contexts import World, outputs
from faulty_service import Break, serving

from engine.errors import ModuleError
from modules.cloudconvert.convert_file import ConvertFile

CALLS = ("create", "poll", "upload", "download")
RESPONSE = ("response head", "response body")
ALWAYS = None
CONTENT = b"words" * 400_000


def breaks() -> list[Break]:
    """Return each way in which each call can break, once and always."""
    kinds = {
        "connect": ("refused", "reset", "end"),
        "request head": ("reset", "end", "silence"),
        "request body": ("reset", "end", "silence"),
        "response head": ("reset", "end", "silence", "drip"),
        "response body": ("reset", "end", "silence", "drip"),
    }
    return [
        Break(call, phase, kind, times)
        for call in CALLS
        for phase, each in kinds.items()
        if phase != "request body" or call in ("create", "upload")
        for kind in each
        for times in (1, ALWAYS)
    ]


@dataclass(frozen=True)
class Outcome:
    """`error` is Fusion's type, empty if the file is delivered; `left` jobs stay at the service."""

    error: str
    created: int
    left: int


def outcome_of(breach: Break) -> Outcome:
    """What must become of a conversion."""
    error = "ModuleTimeoutError" if breach.kind in ("silence", "drip") else "ConnectionError"
    if heals(breach):
        return Outcome("", 1, 1)
    if breach.call == "create":
        return Outcome(error, 0, 0)
    return Outcome(error, 1, 0 if breach.call == "upload" else 1)


def heals(breach: Break) -> bool:
    """Tell whether the conversion is to succeed all the same."""
    if breach.call in ("create", "upload") and breach.phase in RESPONSE:
        return True  # it was carried out, and is looked up
    if breach.times is ALWAYS:
        return False
    if breach.kind == "refused" or breach.call in ("poll", "download"):
        return True  # nothing was sent, or it only reads
    return breach.call == "upload" and breach.kind != "silence"  # sent again to the same task


@dataclass(frozen=True)
class Ending:
    """How a conversion ended: what it came to, what arrived, and what was left behind."""

    outcome: Outcome
    delivered: bytes
    result: bytes
    breaches: int
    strangers: set[str]
    """Hosts that were given the credential and are not the service."""
    half: list[Path]
    """What lies where content comes in."""


async def converted(folder: Path, breach: Break) -> Ending:
    async with serving(breach) as faulty:
        service = faulty.service
        async with faulty.http() as http:
            world = World(folder, http=http)
            file = await world.files.file_of({"name": "letter.docx", "data": CONTENT})
            fields = {"input_file": "upload", "file": file, "output_format": "pdf"}
            error, delivered = "", b""
            try:
                [bundle] = await outputs(ConvertFile, {**fields, "download_file": True}, world)
                delivered = bundle["file"].path.read_bytes()
            except ModuleError as failure:
                error = failure.type_name
    return Ending(
        Outcome(error, len(service.payloads), len(service.jobs)),
        delivered,
        service.result,
        faulty.broken,
        {f"http://{host}" for host in service.with_credential} - {faulty.address("api")},
        [*(folder / ".fusion/files/incoming").glob("*")],
    )


@pytest.mark.parametrize("breach", breaks(), ids=lambda b: f"{b.call}-{b.phase}-{b.kind}-{b.times}")
def test_a_conversion_that_breaks_makes_at_most_one_job_and_delivers_all_or_nothing(
    tmp_path: Path, breach: Break
) -> None:
    ending = virtually(converted(tmp_path, breach), SocketLoop)

    assert ending.outcome == outcome_of(breach)
    assert ending.delivered == (b"" if ending.outcome.error else ending.result)
    assert ending.breaches >= 1
    assert (ending.strangers, ending.half) == (set(), [])


def test_each_call_breaks_at_each_of_its_phases_in_each_way() -> None:
    phases = {(breach.call, breach.phase) for breach in breaks()}
    always = {(call, phase) for call in CALLS for phase in ("connect", "request head", *RESPONSE)}
    assert phases == always | {("create", "request body"), ("upload", "request body")}
    for call, phase in phases:
        kinds = {b.kind for b in breaks() if (b.call, b.phase) == (call, phase)}
        assert kinds >= {"reset", "end"}
        assert kinds & {"refused", "silence"}
