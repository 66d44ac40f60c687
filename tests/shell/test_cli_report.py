"""`--report` of `fusion run` and `fusion runs`: what the page holds, without a browser."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from front_door import PEOPLE, fusion, only_incomplete, write

from engine.cli.report.values import Values, shown
from engine.model.bundle import File

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def text_of(name: str) -> str:
    return Path(name).read_text(encoding="ascii")


def data_of(name: str) -> dict[str, Any]:
    found = DATA.findall(text_of(name))
    assert len(found) == 1
    data: dict[str, Any] = json.loads(found[0])
    return data


def node_of(data: dict[str, Any], node_id: str) -> dict[str, Any]:
    node: dict[str, Any] = dict(data["nodes"])[node_id]
    return node


def latest_run() -> str:
    return str(json.loads(fusion("runs", "--json").stdout)["runs"][0]["id"])


def test_a_run_writes_its_report_and_ends_as_without_one() -> None:
    result = fusion("run", write("people.yaml", PEOPLE), "--report", "run.html")

    assert result.exit_code == 3
    assert result.stderr.rstrip().endswith("report: run.html")
    page = text_of("run.html")
    assert "<title>Birthdays: warning</title>" in page
    assert f"fusion incomplete show {only_incomplete()[:8]}" in page


def test_the_report_of_a_stored_run_is_the_same_as_that_of_the_run() -> None:
    fusion("run", write("people.yaml", PEOPLE), "--report", "one.html")

    result = fusion("runs", latest_run()[:8], "--report", "two.html")

    assert result.exit_code == 0
    assert "operations" in result.stdout
    assert text_of("one.html") == text_of("two.html")


def test_the_inspector_has_what_nodes_saw_emitted_and_failed_with() -> None:
    fusion("run", write("people.yaml", PEOPLE), "--report", "run.html")

    data = data_of("run.html")
    first, second, third = node_of(data, "next")["operations"]

    assert first["saw"][0][0] == "person"
    assert data["bundles"][first["saw"][0][1]] == {"o": [["name", "Ada"], ["age", 36]]}
    assert data["bundles"][first["gave"][0]] == {"o": [["age", 37]]}
    assert first["emitted"] == 1
    assert second["failure"][0] == "DataError"
    assert second["failure"][3] == "bundle 2 of 3 of person"
    assert third["failure"] is None
    assert node_of(data, "next")["outcome"] == "partly"
    assert node_of(data, "next")["kept"] == "1-3 of 3"


def test_the_inspector_has_the_mapped_fields_or_why_there_are_none() -> None:
    fusion("run", write("people.yaml", PEOPLE), "--report", "run.html")

    data = data_of("run.html")
    fields = [one["fields"] for one in node_of(data, "next")["operations"]]

    assert data["bundles"][fields[0]["place"]] == {"o": [["variables", {"o": [["age", 37]]}]]}
    assert "null" in fields[1]["fault"] or "empty" in fields[1]["fault"]
    assert fields[2]["place"] is not None


def test_the_timeline_shows_when_nodes_worked() -> None:
    text = """
flow:
  - id: one
    module: tools.basic_trigger
    with: {bundles: [{a: 1}, {a: 2}]}
  - id: save
    module: files.save_file
    label: A <file>
    with: {folder: outbox, file: {name: "{{ one.a }}.txt", data: text}}
  - {id: next, module: tools.set_variables, with: {variables: {a: 1}}}
"""
    fusion("run", write("waits.yaml", text), "--report", "run.html")

    page = text_of("run.html")
    lanes = re.findall(r'<div class="lane">(.*?)</div>', page)

    assert len(lanes) == 1
    assert ">A &lt;file&gt;</button>" in lanes[0]
    bars = [
        (float(left), float(width))
        for left, width in re.findall(r'<rect x="([\d.]+)" width="([\d.]+)"', lanes[0])
    ]
    assert len(bars) == 2
    assert bars[0][0] + bars[0][1] <= bars[1][0] + 0.01
    assert bars[1][0] + bars[1][1] <= 1000


def test_a_bundle_that_several_nodes_saw_is_written_once() -> None:
    flow = "".join(
        f"  - {{id: n{at}, module: tools.set_variables, with: {{variables: {{a: {at}}}}}}}\n"
        for at in range(5)
    )
    text = (
        "flow:\n  - id: one\n    module: tools.basic_trigger\n"
        f"    with: {{bundles: [{{text: {'x' * 1000}}}]}}\n{flow}"
    )
    fusion("run", write("row.yaml", text), "--report", "run.html")

    written = json.dumps(data_of("run.html"))

    assert written.count("x" * 1000) == 2  # also as a field of the first node
    assert len(node_of(data_of("run.html"), "n4")["operations"][0]["saw"]) == 5


def test_the_page_of_a_confidential_scenario_has_no_value() -> None:
    text = PEOPLE.replace("settings:\n", "settings:\n  data_is_confidential: true\n")
    fusion("run", write("people.yaml", text), "--report", "run.html")

    page = text_of("run.html")

    assert "data is confidential" in page
    assert not re.search(r"\bAda\b|\bBob\b", page)
    assert data_of("run.html")["bundles"] == []
    assert "1 failed" in page


def test_a_scenario_that_has_become_confidential_shows_no_value_of_earlier_runs() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    write("people.yaml", PEOPLE.replace("settings:\n", "settings:\n  data_is_confidential: true\n"))

    fusion("runs", latest_run(), "--report", "run.html")

    assert data_of("run.html")["bundles"] == []
    assert "Ada" not in text_of("run.html")
    assert "data is confidential" in text_of("run.html")


def test_a_run_whose_scenario_has_gone_is_drawn_as_it_was_kept() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    Path("people.yaml").unlink()

    assert fusion("runs", latest_run(), "--report", "run.html").exit_code == 0

    assert '<svg xmlns="http://www.w3.org/2000/svg" class="picture"' in text_of("run.html")


def test_a_run_of_which_nothing_is_kept_is_told_by_its_counts() -> None:
    confidential = PEOPLE.replace("settings:\n", "settings:\n  data_is_confidential: true\n")
    fusion("run", write("people.yaml", confidential))
    Path("people.yaml").unlink()

    assert fusion("runs", latest_run(), "--report", "run.html").exit_code == 0

    page = text_of("run.html")
    assert "there is no picture of it" in page
    assert "No operations of this run are kept" in page
    assert ">next</button>" in page


def test_the_page_allows_its_own_script_and_style_and_nothing_else() -> None:
    fusion("run", write("people.yaml", PEOPLE), "--report", "run.html")
    page = text_of("run.html")

    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)

    assert len(script) == len(style) == 1
    hashes = [b64encode(sha256(one.encode()).digest()).decode() for one in (*style, *script)]
    assert policy.replace("&#x27;", "'") == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"(src|href|action|style)=|url\(|@import|https?://(?!www.w3.org)", page)


@pytest.mark.parametrize("value", ["</script>", "<!--<script>", "]]>", "\u2028", "&lt;", "\x00"])
def test_no_text_can_end_the_element_that_holds_the_data(value: str) -> None:
    text = PEOPLE.replace("name: Ada", f"name: {json.dumps(value)}")
    fusion("run", write("people.yaml", text), "--report", "run.html")

    data = data_of("run.html")

    assert {"o": [["name", value], ["age", 36]]} in data["bundles"]
    assert not re.search(r"[<>&]", DATA.findall(text_of("run.html"))[0])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("runs", "--report", "run.html"), "--report needs the ID of a run"),
        (("run", "people.yaml", "--report", "missing/run.html"), "there is no folder missing"),
        (("run", "people.yaml", "--report", "."), "is a directory"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(
    words: tuple[str, ...], text: str
) -> None:
    write("people.yaml", PEOPLE)

    result = fusion(*words)

    assert result.exit_code == 2
    assert text in result.stderr
    assert not Path(".fusion").exists()


def test_the_report_of_a_run_that_is_not_there_is_told() -> None:
    fusion("run", write("people.yaml", PEOPLE))

    assert fusion("runs", "ffffffff", "--report", "run.html").exit_code == 5
    assert not Path("run.html").exists()


def test_a_report_beside_json_leaves_the_json_whole() -> None:
    name = write("people.yaml", PEOPLE)

    ran = fusion("run", name, "--json", "--report", "one.html")
    looked = fusion("runs", latest_run(), "--json", "--report", "two.html")

    assert json.loads(ran.stdout)["exit_code"] == 3
    assert json.loads(looked.stdout)["run"]["id"] == latest_run()
    assert text_of("one.html") == text_of("two.html")


def test_a_replay_has_a_report() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    fusion("replay", only_incomplete())

    fusion("runs", latest_run(), "--report", "run.html")

    assert "<dt>Replay</dt>" in text_of("run.html")


def test_values_keep_their_kind_on_the_way_to_the_page() -> None:
    file = File("a.txt", 1200, "text/plain", "0" * 64, Path("a"))
    assert shown(
        {"f": file, "n": 2**60, "b": b"ab", "x": float("inf"), "a": [True, None, 0.5]}
    ) == {
        "o": [
            ["f", {"f": ["a.txt", "1.2 kB", "text/plain", "0" * 64]}],
            ["n", {"n": "1152921504606846976"}],
            ["b", {"b": "2 B"}],
            ["x", {"n": "inf"}],
            ["a", {"a": [True, None, 0.5]}],
        ]
    }


def test_a_page_that_would_be_too_large_leaves_out_what_comes_last() -> None:
    values = Values(room=100)
    bundles = [{"text": "x" * 60}, {"text": "y" * 60}]

    assert [values.place(one) for one in (bundles[0], bundles[1], bundles[0])] == [0, None, 0]
    assert values.is_full
    assert len(values.table) == 1
