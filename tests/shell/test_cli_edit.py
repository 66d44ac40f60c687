"""Incomplete executions in an editor, and with another scenario."""

import json
import sys
from pathlib import Path

import pytest
from front_door import PEOPLE, fusion, only_incomplete, write

from engine.cli.exits import Exit


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    assert fusion("run", write("people.yaml", PEOPLE)).exit_code == Exit.INCOMPLETE
    return only_incomplete()


EDITOR = """
import sys
from pathlib import Path

path, seen = Path(sys.argv[1]), Path("seen.txt")
text = path.read_text()
turn = len(list(Path(".").glob("turn*.txt")))
Path(f"turn{turn}.txt").write_text(text)
changes = Path("changes.txt").read_text().split("\\n")
if turn < len(changes):
    old, _, new = changes[turn].partition(" -> ")
    path.write_text(text.replace(old, new))
"""


def editor(monkeypatch: pytest.MonkeyPatch, *changes: str) -> None:
    """Let the editor make one change each time it opens, as `old -> new`; then none."""
    write("editor.py", EDITOR)
    write("changes.txt", "\n".join(changes))
    monkeypatch.setenv("EDITOR", f"{sys.executable} editor.py")


def turns() -> list[str]:
    return [path.read_text() for path in sorted(Path().glob("turn*.txt"))]


def ages() -> object:
    told = json.loads(fusion("incomplete", "show", only_incomplete(), "--json").stdout)
    return told["incomplete"]["bundles"]["person"]["age"]


def test_bundles_are_edited_in_the_editor_and_replayed(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(monkeypatch, "age: null -> age: 40")
    result = fusion("incomplete", "edit", stored)
    assert result.exit_code == Exit.OK, result.output
    (text,) = turns()
    assert "# " in text.splitlines()[0]
    assert "`person.age` is null" in text
    assert '    name: "Bob"\n    age: null\n' in text
    assert ages() == 40
    assert fusion("replay", stored).exit_code == Exit.OK


def test_after_a_mistake_the_editor_opens_again_with_the_message(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = (
        "    age: null -> \tage: 1",
        "\tage: 1 ->     agee: 1",
        "    agee: 1 ->     age: [1]",
        '    age: [1] ->     age: {$date: "x"}',
        '    age: {$date: "x"} ->     age: 41',
    )
    editor(monkeypatch, *changes)
    assert fusion("incomplete", "edit", stored).exit_code == Exit.OK
    first, *again = turns()
    assert "#! " not in first
    told = ["error[E102]", "is null", "`person.age` is", "a value of an unknown form"]
    assert [said in text for said, text in zip(told, again, strict=True)] == [True] * 4, again
    assert all(text.startswith("#! ") for text in again)
    assert ages() == 41


def test_leaving_without_a_change_changes_nothing(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(monkeypatch)
    result = fusion("incomplete", "edit", stored)
    assert result.exit_code == Exit.OK
    assert "nothing was changed" in result.stderr
    assert ages() is None


def test_leaving_a_mistake_as_it_is_tells_it_and_changes_nothing(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(monkeypatch, "person: -> persona:")
    result = fusion("incomplete", "edit", stored)
    assert result.exit_code == Exit.USAGE
    assert "`persona` was not here before; did you mean `person`?" in result.stderr
    assert ages() is None


def test_without_an_editor_nobody_is_asked(stored: str) -> None:
    result = fusion("incomplete", "edit", stored)
    assert result.exit_code == Exit.USAGE
    assert "--scenario FILE" in result.stderr


def test_an_edit_that_no_longer_fits_its_record_is_refused(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(monkeypatch, "age: null -> age: 40")
    also = (
        f"import subprocess, sys\nsubprocess.run([{str(Path(sys.executable).with_name('fusion'))!r}"
    )
    also += f", 'incomplete', 'edit', {stored!r}, '--set', 'person.age=7'], check=True)\n"
    write("editor.py", EDITOR + also)
    result = fusion("incomplete", "edit", stored)
    assert result.exit_code == Exit.USAGE
    assert "has been changed by somebody else meanwhile" in result.stderr
    assert "age: 40" in result.stderr
    assert ages() == 7


def test_another_scenario_takes_the_place_of_the_stored_one(stored: str) -> None:
    mended = PEOPLE.replace("person.age +", "ifempty(person.age, 0) +")
    result = fusion("incomplete", "edit", stored, "--scenario", write("mended.yaml", mended))
    assert result.exit_code == Exit.OK, result.output
    assert fusion("replay", stored).exit_code == Exit.OK


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("person.age", "person.agee", "mended.yaml:14:28"),
        ("tools.set_variables", "tools.set_variable", "mended.yaml:"),
        ("id: next", "id: other", "the scenario has no node `next`"),
        ("flow:", "flow: [", "error[E102]"),
        ("+ inputs.years", "* 2", "mended.yaml:14:"),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused_with_its_place(
    stored: str, old: str, new: str, said: str
) -> None:
    write("mended.yaml", PEOPLE.replace(old, new))
    result = fusion("incomplete", "edit", stored, "--scenario", "mended.yaml")
    assert result.exit_code in (Exit.USAGE, Exit.FAILED)
    assert said in result.stderr
    told = json.loads(fusion("incomplete", "show", stored, "--json").stdout)["incomplete"]
    assert told["source"] == PEOPLE


def test_one_shows_what_ran_what_waits_and_each_attempt(stored: str) -> None:
    fusion("replay", stored)
    lines = fusion("incomplete", "show", stored).stdout.splitlines()
    way = lines.index("way")
    assert [line.split() for line in lines[way + 1 : way + 4]] == [
        ["ran", "person"],
        ["failed", "next"],
        ["waits", "nothing"],
    ]
    at = lines.index("earlier attempts")
    assert "next: DataError: " in lines[at + 1]
    told = json.loads(fusion("incomplete", "show", stored, "--json").stdout)["incomplete"]
    assert told["way"]["ran"] == ["person"]
    assert len(told["earlier"]) == 1
