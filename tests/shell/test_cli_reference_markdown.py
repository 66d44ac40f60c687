"""`fusion modules` and `fusion functions`: looking for a word, and the reference as Markdown."""

import json

import pytest
from front_door import fusion

from engine.cli.exits import Exit
from engine.mapping.functions import FUNCTIONS
from engine.plan.catalog import Catalog
from engine.plan.flow import FLOW


def found(*words: str) -> list[str]:
    return [one["id"] for one in json.loads(fusion("modules", *words, "--json").stdout)["modules"]]


@pytest.mark.parametrize("word", ["convert", "CONVERT"])
def test_a_word_finds_modules_by_name_text_or_field(word: str) -> None:
    ids = found(word)

    assert {"cloudconvert.convert_file", "tools.convert_encoding"} <= set(ids)
    assert "flow.router" not in ids
    assert found("overwrite") == ["files.save_file"]


def test_a_connector_lists_its_own_and_no_word_of_others() -> None:
    assert all(name.startswith("files.") for name in found("files"))


def test_a_word_that_stands_nowhere_is_told() -> None:
    result = fusion("modules", "xylophone")

    assert result.exit_code == Exit.NOT_FOUND
    assert "no module or connector is called `xylophone`" in result.stderr


def test_the_markdown_reference_has_a_section_and_a_row_for_everything() -> None:
    text = fusion("modules", "--markdown").stdout

    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert sorted(headings) == sorted([*FLOW, *Catalog().module_ids()])
    assert '| `folder` | text, required, not empty, for example "inbox" | The folder;' in text


def test_one_module_is_one_page_with_tables_that_no_bar_breaks() -> None:
    lines = fusion("modules", "tools.switch", "--markdown").stdout.splitlines()

    assert lines[0] == "## tools.switch"
    rows = [line for line in lines if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows][:4] == ["input", "regex", "cases", "cases.pattern"]
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_functions_are_found_by_a_word_and_written_as_markdown() -> None:
    listed = json.loads(fusion("functions", "date", "--json").stdout)["functions"]
    text = fusion("functions", "--markdown").stdout

    assert {"formatDate", "addDays"} <= {one["name"] for one in listed}
    headings = [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(FUNCTIONS)
