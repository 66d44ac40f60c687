"""Incomplete executions leave one store and come into another, whatever is done to them between."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from front_door import advice, fusion, letters, only_incomplete, write

from engine.cli.exits import Exit

LETTERS = """\
settings: {store_incomplete_executions: true}
flow:
  - id: letter
    module: files.watch_folder
    with: {folder: inbox, pattern: "*.txt", limit: 10}
  - id: save
    module: files.save_file
    with: {folder: outbox, file: "{{ letter.file }}"}
    on_error: [{module: flow.break}]
"""


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave a letter that cannot be saved, and return the record's id."""
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    letters("a.txt")
    Path("outbox/a.txt").write_text("in the way")
    assert fusion("run", write("letters.yaml", LETTERS)).exit_code == Exit.INCOMPLETE
    return only_incomplete()


def exported(record: str) -> Path:
    result = fusion("incomplete", "export", record, "--to", "out")
    assert result.exit_code == Exit.OK, result.output
    assert advice(result.stderr) == ["incomplete", "import", "out"]
    return Path("out", f"{record}.yaml")


def taken_in(*words: str) -> int:
    return fusion("incomplete", "import", "out", *words).exit_code


def test_a_record_goes_to_another_store_and_is_replayed_there(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = exported(stored).read_text()
    assert "message: " in text
    assert "module: files.watch_folder" in text
    monkeypatch.setenv("FUSION_STORE", "elsewhere")
    assert taken_in() == Exit.OK
    assert fusion("incomplete", "export", stored, "--to", "again").exit_code == Exit.OK
    assert Path("again", f"{stored}.yaml").read_text() == text
    Path("outbox/a.txt").unlink()
    assert fusion("replay", stored).exit_code == Exit.OK
    assert Path("outbox/a.txt").read_text() == "a.txt"


def test_a_record_comes_to_another_machine_once_its_scenario_is_there(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exported(stored)
    folder = json.dumps(str(Path.cwd()))[1:-1]
    path.write_text(path.read_text().replace(f"{folder}/letters.yaml", "/nowhere/letters.yaml"))
    monkeypatch.setenv("FUSION_STORE", "elsewhere")
    refused = fusion("incomplete", "import", "out")
    assert refused.exit_code == Exit.USAGE
    assert "--at FILE" in refused.stderr
    Path("new/outbox").mkdir(parents=True)
    write("new/letters.yaml", LETTERS)
    assert taken_in("--at", "new/letters.yaml") == Exit.OK
    assert fusion("replay", stored).exit_code == Exit.OK
    assert Path("new/outbox/a.txt").read_text() == "a.txt"


def test_a_record_that_was_changed_in_its_file_is_imported_so(stored: str) -> None:
    path = exported(stored)
    path.write_text(path.read_text().replace('name: "a.txt"', 'name: "b.txt"', 1))
    assert taken_in() == Exit.USAGE
    assert taken_in("--overwrite") == Exit.OK
    assert fusion("replay", stored).exit_code == Exit.OK
    assert Path("outbox/b.txt").read_text() == "a.txt"


def test_importing_what_is_here_already_changes_nothing(stored: str) -> None:
    exported(stored)
    result = fusion("incomplete", "import", "out")
    assert result.exit_code == Exit.OK
    assert "was here already" in result.stdout
    assert exported(stored).exists()


def _other_content(folder: Path) -> None:
    (content,) = (folder / "files").iterdir()
    content.write_bytes(b"A.txt")


def _missing_content(folder: Path) -> None:
    (content,) = (folder / "files").iterdir()
    content.unlink()


def _linked_content(folder: Path) -> None:
    (content,) = (folder / "files").iterdir()
    content.unlink()
    content.symlink_to(Path.cwd() / "inbox/a.txt")


def _piped_content(folder: Path) -> None:
    (content,) = (folder / "files").iterdir()
    content.unlink()
    os.mkfifo(content)


@pytest.mark.parametrize(
    "spoil", [_other_content, _missing_content, _linked_content, _piped_content]
)
def test_contents_that_are_not_what_they_should_be_are_refused(
    stored: str, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(stored)
    spoil(Path("out"))
    monkeypatch.setenv("FUSION_STORE", "elsewhere")
    result = fusion("incomplete", "import", "out")
    assert result.exit_code == Exit.USAGE
    assert "error[E609]" in result.stderr
    assert fusion("incomplete", "list").stdout == "no incomplete executions\n"


SHA = "sha256: "


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format_version: 1", "format_version: 2", "`format_version` is `2`"),
        ("format: ", "format: x", "`format` is"),
        ("attempts: 0", "attempts: -1", "`attempts` should be a count"),
        ("attempts: 0", "attempts: yes", "error[E105]"),
        ("attempts: 0", "attemps: 0", "did you mean `attempts`"),
        ("inputs: {}", "inputs: {$date: never}", "`inputs` holds a value of an unknown form"),
        ("inputs: {}", "inputs: {$file: {sha256: ../../x}}", "`inputs` holds a value"),
        ("inputs: {}", "inputs: {a: {$collection: [[{}, 1]]}}", "`inputs` holds a value"),
        ("inputs: {}", "inputs: &a [*a]", "error[E107]"),
        ("inputs: {}", "inputs: !!python/object/apply:os.abort []", "error[E107]"),
        ("inputs: {}", f"inputs: {'{a: ' * 400}1{'}' * 400}", "error[E103]"),
        ('name: "a.txt"', 'name: "../a.txt"', "no file can have the name `../a.txt`"),
        ("confidential: false", "confidential: 0", "`confidential` should be true or false"),
        ('status: "unresolved"', 'status: "in progress"', "`status` should be"),
        ('node: "save"', 'node: "gone"', "its scenario has no node `gone`"),
        ('scenario: "letters"', 'scenario: "other"', "it is of scenario `other`"),
        ("files.save_file", "files.sav_file", "error[E120]"),
    ],
)
def test_a_text_that_is_no_record_is_refused_with_the_place(
    stored: str, old: str, new: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exported(stored)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    monkeypatch.setenv("FUSION_STORE", "elsewhere")
    result = fusion("incomplete", "import", "out")
    assert result.exit_code == Exit.USAGE, result.output
    assert said in result.stderr
    assert fusion("incomplete", "list").stdout == "no incomplete executions\n"


def test_one_wrong_record_keeps_all_from_coming_in(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = exported(stored).read_text()
    other = "0" * 32
    Path("out", f"{other}.yaml").write_text(text.replace(stored, other).replace(SHA, "sha: "))
    monkeypatch.setenv("FUSION_STORE", "elsewhere")
    assert taken_in() == Exit.USAGE
    assert fusion("incomplete", "list").stdout == "no incomplete executions\n"


def test_nothing_is_written_over_a_file_that_differs(stored: str) -> None:
    path = exported(stored)
    path.write_text("mine")
    assert fusion("incomplete", "export", stored, "--to", "out").exit_code == Exit.USAGE
    assert path.read_text() == "mine"


def test_an_export_is_for_its_owner_only(stored: str) -> None:
    assert exported(stored).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("words", [("--scenario", "x"), ("--text", "nowhere"), ("ffff0000",)])
def test_an_export_of_nothing_exits_5(words: tuple[str, ...]) -> None:
    result = fusion("incomplete", "export", *words, "--to", "none")
    assert result.exit_code == Exit.NOT_FOUND
    assert not Path("none").exists()


def test_a_confidential_one_is_written_in_clear_only_if_that_is_said() -> None:
    text = LETTERS.replace("settings: {", "settings: {data_is_confidential: true, ")
    letters("b.txt")
    Path("outbox/b.txt").write_text("in the way")
    fusion("run", write("secret.yaml", text))
    (one,) = json.loads(fusion("incomplete", "list", "--scenario", "secret", "--json").stdout)[
        "incomplete"
    ][:1]
    refused = fusion("incomplete", "export", one["id"], "--to", "clear")
    assert refused.exit_code == Exit.USAGE
    assert "--decrypt" in refused.stderr
    assert not Path("clear").exists()
    assert fusion("incomplete", "export", one["id"], "--to", "clear", "--decrypt").exit_code == 0
    assert fusion("incomplete", "delete", one["id"]).exit_code == 0
    assert fusion("incomplete", "import", "clear").exit_code == Exit.OK
    (back,) = json.loads(fusion("incomplete", "list", "--scenario", "secret", "--json").stdout)[
        "incomplete"
    ][:1]
    assert (back["id"], back["bundle"]) == (one["id"], "")
