"""The schema in the programs that people use: yaml-language-server and check-jsonschema."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from editor import Editor, yaml_editor
from front_door import fusion
from mistakes import MISTAKES

from engine.plan.schema import FILE_NAME, MODELINE, UNKNOWN_TO_SCHEMA

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EXAMPLES = sorted(path for path in SCENARIOS.glob("*.yaml") if ".test." not in path.name)
FINE = """\
settings: {store_incomplete_executions: true, retry_schedule: [10m, 1h]}
inputs: {customer: {type: text, default: "x"}}
connections:
  office: {type: cloudconvert, api_key: {env: KEY}}
  here: {type: cloudconvert, embedded: true}
flow:
  - id: video
    module: files.watch_folder
    with: {folder: inbox, limit: "{{ 2 + 3 }}", start: {since: 2026-03-01}}
  - id: convert
    module: cloudconvert.convert_file
    connection: here
    filter: {name: big, any: [{all: [["{{ video.size }}", "number:greater", 5]]}]}
    with: {input_file: upload, file: "{{ video.file }}", output_format: mp4}
    on_error: [{module: flow.break, with: {interval: 15}}]
  - module: flow.router
    routes: [{fallback: true}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("editor")
    (folder / FILE_NAME).write_text(fusion("schema").stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def editor(folder: Path) -> Iterator[Editor]:
    with yaml_editor(folder) as opened:
        yield opened


def complaints(editor: Editor, name: str, text: str) -> list[str]:
    return [found["message"] for found in editor.problems(name, f"{MODELINE}\n{text}")]


@pytest.mark.needs("yaml-language-server")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong_with_an_example(path: Path, editor: Editor) -> None:
    assert complaints(editor, path.name, path.read_text(encoding="utf-8")) == []


@pytest.mark.needs("yaml-language-server")
def test_an_editor_finds_nothing_wrong_with_a_rich_scenario(editor: Editor) -> None:
    assert complaints(editor, "fine.yaml", FINE) == []


@pytest.mark.needs("yaml-language-server")
@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("folder: inbox", "fodler: inbox", "fodler"),
        ("folder: inbox, ", "", "folder"),
        ('limit: "{{ 2 + 3 }}"', "limit: many", "pattern"),
        ("input_file: upload", "input_file: uplaod", "upload"),
        ("module: files.watch_folder", "module: files.watch_foldr", "files.watch_folder"),
        ("id: convert", "id: convert-it", "digit"),
        ("embedded: true", "embedded: true, region: eu", "region"),
        ("number:greater", "number:bigger", "number:greater"),
        ("retry_schedule: [10m, 1h]", "retry_schedule: [soon]", "pattern"),
    ],
)
def test_an_editor_sees_a_mistake_where_it_stands(
    before: str, after: str, says: str, editor: Editor
) -> None:
    assert before in FINE
    text = FINE.replace(before, after)
    line = FINE[: FINE.index(before)].count("\n") + 1

    found = editor.problems(f"{abs(hash(after))}.yaml", f"{MODELINE}\n{text}")

    assert found
    assert any(says in problem["message"] for problem in found), found
    assert any(abs(problem["range"]["start"]["line"] - line) <= 1 for problem in found), found


@pytest.mark.needs("yaml-language-server")
def test_an_editor_completes_modules_and_fields_and_describes_them(editor: Editor) -> None:
    text = (
        f"{MODELINE}\nflow:\n  - module: files.watch_folder\n    with:\n      pattern: a\n      \n"
    )
    editor.problems("typing.yaml", text)

    fields = editor.ask_at("textDocument/completion", "typing.yaml", 5, 6)["items"]
    hover = editor.ask_at("textDocument/hover", "typing.yaml", 4, 8)

    assert {"folder", "limit", "start"} <= {item["label"] for item in fields}
    assert "Which names to take" in json.dumps(hover)


@pytest.mark.needs("yaml-language-server")
def test_an_editor_refuses_nothing_that_only_validate_would(editor: Editor) -> None:
    unseen = [each for each in MISTAKES if each.code in UNKNOWN_TO_SCHEMA - {"E102", "E103"}]
    texts = [each.written()[0] for each in unseen]
    seen = ("demo.", "service", "? [")  # of the tests' own connector; a key that no field has
    texts = [text for text in texts if not any(name in text for name in seen)]

    assert len(texts) >= 10
    for number, text in enumerate(texts):
        whole = text.replace("flow: []", "flow: [{module: tools.sleep, with: {duration: 1s}}]")
        found = editor.problems(f"unseen{number}.yaml", f"{MODELINE}\n{whole}")
        assert [one for one in found if one.get("source", "").startswith("yaml-schema")] == [], text


def told(words: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, check=False, capture_output=True, text=True)


def test_check_jsonschema_accepts_the_schema_and_the_examples(folder: Path) -> None:
    (folder / "fine.yaml").write_text(FINE, encoding="utf-8")
    checker = [sys.executable, "-m", "check_jsonschema"]
    schema = str(folder / FILE_NAME)

    meta = told([*checker, "--check-metaschema", schema])
    files = [*map(str, EXAMPLES), str(folder / "fine.yaml")]
    done = told([*checker, "--schemafile", schema, *files])

    assert meta.returncode == 0, meta.stdout
    assert done.returncode == 0, done.stdout


def test_check_jsonschema_refuses_what_is_wrong_and_says_where(folder: Path) -> None:
    wrong = folder / "wrong.yaml"
    wrong.write_text(FINE.replace("folder: inbox", "fodler: inbox"), encoding="utf-8")
    checker = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(folder / FILE_NAME)]

    done = told([*checker, str(wrong)])

    assert done.returncode == 1
    assert "fodler" in done.stdout
