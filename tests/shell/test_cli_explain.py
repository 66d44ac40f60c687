"""`fusion explain`: each code has a page whose example raises exactly this code and reads well.

What people see of each example is in `golden/CODE.txt`. With `FUSION_GOLDEN=write` they are written
anew, to be read before they are committed.
"""

import asyncio
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from front_door import fusion, only_incomplete

from engine.cli.exits import Exit
from engine.cli.explanations import Page, pages
from engine.problem import TITLES
from engine.store.sqlite import open_sqlite

GOLDEN = Path(__file__).with_name("golden")
SOURCES = [
    path
    for folder in ("engine", "modules")
    for path in (Path(__file__).parents[2] / folder).rglob("*.py")
    if path.name != "problem.py"
]
_CODE = re.compile(r"(?:error|warning)\[([EW]\d{3})\]")
_VARYING = (
    (re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}\b"), "01234567"),
    (re.compile(r"\bprocess \d+"), "process 1"),
    (re.compile(r"\d+(?:\.\d+)? (?:m?s|min)\b"), "1.0 s"),
)


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)


def shown(page: Page) -> str:
    """Try a page's example in the current folder; return what its last command tells."""
    for name, text in page.files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    told = ""
    for line in page.commands:
        if not line.startswith("fusion "):
            subprocess.run(["bash", "-c", line], check=True)
            continue
        words = shlex.split(line)[1:]
        result = fusion(*(only_incomplete() if word == "ID" else word for word in words))
        told = result.stdout + result.stderr
    return told


async def shown_while_busy(page: Page) -> str:
    """Try an example while its scenario runs elsewhere, as far as the store can tell."""
    store = await open_sqlite(Path(".fusion"), create=True)
    try:
        async with store.run_lock("demo", wait=False, on_wait=lambda _text: None):
            return await asyncio.to_thread(shown, page)
    finally:
        await store.close()


def problem_in(told: str) -> str:
    """Return the problems in what a command tells, without what varies."""
    blocks = re.split(r"\n\s*\n", told)
    lines = "\n\n".join(block for block in blocks if _CODE.search(block)).splitlines()
    first = next(number for number, line in enumerate(lines) if _CODE.match(line))
    text = "\n".join(line.rstrip() for line in lines[first:]).replace(str(Path.cwd()), "/here")
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return text.strip() + "\n"


def test_every_code_that_is_raised_anywhere_has_a_title_and_a_page() -> None:
    used = {
        code
        for path in SOURCES
        for code in re.findall(r'"([EW]\d{3})"', path.read_text(encoding="utf-8"))
    }

    assert used - set(TITLES) == set()
    assert used - set(pages()) == set()
    assert set(pages()) - set(TITLES) == set()


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("code", sorted(pages()))
def test_the_example_of_a_page_raises_its_code_and_no_other(code: str) -> None:
    page = pages()[code]

    told = asyncio.run(shown_while_busy(page)) if code == "E602" else shown(page)

    assert set(_CODE.findall(told)) == {code}, told
    golden = GOLDEN / f"{code}.txt"
    if os.environ.get("FUSION_GOLDEN") == "write":
        golden.write_text(problem_in(told), encoding="utf-8")
    assert problem_in(told) == golden.read_text(encoding="utf-8")


def test_a_page_has_its_title_an_example_and_a_remedy() -> None:
    result = fusion("explain", "e124")

    assert result.exit_code == Exit.OK
    assert result.stdout.startswith("E124  break without storage\n\n")
    assert "        on_error: [module: flow.break]\n" in result.stdout
    assert "store_incomplete_executions: true" in result.stdout


def test_all_codes_are_listed() -> None:
    lines = fusion("explain").stdout.splitlines()

    assert len(lines) == len(pages()) + 1
    assert lines[1].split() == ["E101", "scenario", "file", "cannot", "be", "read"]


def test_a_code_that_is_none_is_told_with_what_was_meant() -> None:
    result = fusion("explain", "E20l")

    assert result.exit_code == Exit.NOT_FOUND
    assert "did you mean `E210`" in result.stderr
