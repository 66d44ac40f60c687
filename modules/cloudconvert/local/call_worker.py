"""Calls an engine in a worker process and reads its answer."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from modules.cloudconvert.local.children import Ended, Program
from modules.cloudconvert.local.operations.operation import InputFile, Work
from modules.cloudconvert.local.refusal import TaskFailure

WORKER = Path(__file__).with_name("worker.py")

_MESSAGE_CHARACTERS = 500


async def call_worker(
    work: Work,
    engine: str,
    job: Mapping[str, Any],
    *,
    report: Callable[[int], None] | None = None,
    browses: bool = False,
) -> list[Path]:
    """Run `engine` on a job and return the files it made. Raises TaskFailure.

    `report` takes the percentage; None reports to the task itself. An engine that `browses` starts
    a browser and is bounded together with it.
    """
    answer = await _asked(work, engine, job, report or work.report, browses=browses)
    return [work.folder.work / Path(name).name for name in answer["files"]]


async def ask_worker(work: Work, engine: str, job: Mapping[str, Any]) -> dict[str, Any]:
    """Run `engine` on a job and return what it found out. Raises TaskFailure."""
    answer = await _asked(work, engine, job, work.report)
    facts = answer.get("facts")
    return facts if isinstance(facts, dict) else {}


async def _asked(
    work: Work,
    engine: str,
    job: Mapping[str, Any],
    tell: Callable[[int], None],
    *,
    browses: bool = False,
) -> dict[str, Any]:
    answer: dict[str, Any] = {}

    def on_line(line: bytes) -> None:
        said = _parsed(line)
        if "percent" in said:
            tell(int(said["percent"]))
        else:
            answer.update(said)

    limits = {"pixels": work.limits.pixels, "pages": work.limits.pages}
    body = {**job, "limits": {**limits, "frames": work.limits.frames}, "folder": _work(work)}
    program = Program(
        [sys.executable, "-I", str(WORKER), engine],
        work.folder.path,
        stdin=orjson.dumps(body),
        memory_bytes=work.limits.worker_bytes,
        output_bytes=work.limits.output_bytes,
    )
    if browses:
        # A browser reserves far more addresses than it uses memory.
        program = replace(
            program,
            memory_bytes=None,
            family_bytes=work.limits.family_bytes,
            open_files=4096,
            loopback=True,
        )
    ended = await work.run(program, on_line)
    if "code" in answer:
        raise TaskFailure(str(answer["code"]), plain(str(answer["message"]), work))
    if ended.status != 0 or "files" not in answer:
        raise TaskFailure("CONVERSION_FAILED", last_words(ended, work))
    return answer


def source_of(source: InputFile) -> dict[str, str]:
    """Return how a job names an input."""
    return {"path": str(source.path), "filename": source.filename}


def _work(work: Work) -> str:
    return str(work.folder.work)


def _parsed(line: bytes) -> dict[str, Any]:
    """Return a line of the worker's answer; anything a library prints is no line of ours."""
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def last_words(ended: Ended, work: Work) -> str:
    """Return the last line that a program wrote to stderr, or how it ended if it wrote none."""
    lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    if lines:
        return plain(lines[-1], work)
    if ended.status < 0:
        return f"The engine was ended by signal {-ended.status}"
    return f"The engine ended with status {ended.status}"


def plain(text: str, work: Work) -> str:
    """Return an engine's text without our paths and control characters, at most 500 characters."""
    without = re.sub(rf"{re.escape(str(work.folder.path))}/(?:in|work|out)/", "", text)
    visible = "".join(c if c.isprintable() else "\ufffd" for c in without)
    return visible[:_MESSAGE_CHARACTERS]
