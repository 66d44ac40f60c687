"""`fusion init`: what it writes works as it is: scenario, schema, connections, tests, a module."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from front_door import advice, fusion
from jsonschema import Draft7Validator

from engine.cli.exits import Exit
from engine.examples import connections_text
from engine.plan.catalog import Catalog
from engine.plan.schema import MODELINE


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_example_comes_with_schema_connections_and_tests() -> None:
    result = fusion("init", "mine")

    assert result.exit_code == Exit.OK
    scenario = Path("mine/quickstart.yaml").read_text(encoding="utf-8")
    assert scenario.startswith(f"{MODELINE}\n")
    Draft7Validator.check_schema(json.loads(Path("mine/scenario.schema.json").read_text()))
    assert Path("mine/quickstart.test.yaml").is_file()
    assert fusion("validate", "mine").stdout == "ok  mine/quickstart.yaml  (4 nodes)\n"


def test_the_connections_that_are_written_can_be_used() -> None:
    text = connections_text(Catalog())
    Path("connections.yaml").write_text(text, encoding="utf-8")
    Path("demo.yaml").write_text(
        "flow: [{module: cloudconvert.get_my_info, connection: cloudconvert}]\n"
    )

    assert fusion("validate", "demo.yaml").exit_code == Exit.OK
    assert "# api_key: {env: CLOUDCONVERT_API_KEY}" in text


def test_an_example_writes_nothing_where_a_file_of_yours_is() -> None:
    Path("mine").mkdir()
    Path("mine/connections.yaml").write_text("mine: {}\n")

    result = fusion("init", "mine")

    assert result.exit_code == Exit.USAGE
    assert [path.name for path in Path("mine").iterdir()] == ["connections.yaml"]


def test_a_module_is_written_with_a_test_that_passes_and_a_page_that_is_true() -> None:
    result = fusion("init", "--module", "words.find_words")

    assert result.exit_code == Exit.OK
    assert advice(result.stdout) == ["modules", "words.find_words", "--modules", "fusion_modules"]
    assert fusion(*advice(result.stdout)).stdout.startswith("words.find_words  action")
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "fusion_modules/tests"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "3 passed" in tested.stdout
    page = Path("fusion_modules/words_find_words.md").read_text(encoding="utf-8")
    Path("demo.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    assert fusion("run", "demo.yaml", "--modules", "fusion_modules").exit_code == Exit.OK
    assert Path("outbox/words.txt").read_text() == "nothing, lost"


def test_modules_are_sought_in_the_folder_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        fusion("init", "--module", f"words.find_{number}s".replace("0", "none").replace("1", "one"))
        found = fusion("modules", "--modules", "fusion_modules")
        assert ("find_nones" in found.stdout, "find_ones" in found.stdout) == (
            not number,
            bool(number),
        )


def test_a_module_overwrites_nothing() -> None:
    fusion("init", "--module", "words.find_words")
    Path("fusion_modules/words_find_words.py").write_text("mine")
    Path("fusion_modules/words_find_words.md").unlink()

    assert fusion("init", "--module", "words.find_words").exit_code == Exit.USAGE
    assert not Path("fusion_modules/words_find_words.md").exists()


@pytest.mark.parametrize("name", ["words", "words.", "Words.Find", "a.b.c", "words.find-them"])
def test_a_name_that_no_module_can_have_is_refused(name: str) -> None:
    result = fusion("init", "--module", name)

    assert result.exit_code == Exit.USAGE
    assert "words.count_words" in result.stderr
    assert list(Path().iterdir()) == []
