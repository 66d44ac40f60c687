"""`fusion test`: scenarios tested on bundles of their author's, through the front door."""

import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from click.testing import Result
from front_door import PEOPLE, fusion, letters, write

from engine.cli.exits import Exit

SHOP = """\
settings: {store_incomplete_executions: true}
inputs: {limit: {type: number, default: 100}}
flow:
  - id: order
    module: tools.basic_trigger
    with: {bundles: [{nr: 1, total: 5}]}
  - id: tax
    module: tools.set_variables
    filter: "{{ order.total > 0 }}"
    with: {variables: {sum: "{{ order.total * 2 }}", at: "{{ now }}"}}
  - id: size
    module: flow.router
    routes:
      - name: large
        filter: "{{ tax.sum >= inputs.limit }}"
        flow:
          - id: convert
            module: cloudconvert.convert_file
            with:
              input_file: upload
              file: {name: a.txt, data: "{{ tax.sum }}"}
              output_format: pdf
              download_file: true
            on_error:
              - module: flow.break
                with: {automatically_complete: true, attempts: 3, interval: 60}
          - id: save
            module: files.save_file
            with: {folder: out, file: "{{ convert.file }}"}
      - fallback: true
        flow:
          - id: note
            module: files.save_file
            with: {folder: out, file: {name: "{{ order.nr }}.txt", data: "{{ tax.sum }}"}}
"""

MOCKED = """\
mock:
  convert: {output: {file: {$file: {name: a.pdf, data: pdf}}}}
  save: {output: {}}
  note: {output: {}}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)
    write("shop.yaml", SHOP)


def played(case: str, *words: str, mock: str = MOCKED) -> Result:
    """Play one test, which is given without its name and in flow style."""
    write("shop.test.yaml", f"{mock}tests:\n  - {{name: one, {case}}}\n")
    return fusion("test", "shop.test.yaml", *words)


def unmet(case: str, mock: str = MOCKED) -> list[str]:
    found = json.loads(played(case, "--json", mock=mock).stdout)["files"][0]["tests"][0]
    if found["problem"]:
        return [found["problem"]["message"]]
    lines: list[str] = found["unmet"]
    return lines


def test_bundles_take_the_triggers_place_and_items_that_are_not_expected_may_be_any() -> None:
    case = "bundles: [{total: 5}, {total: 7}], expect: {outputs: {tax: [{sum: 10}, {sum: 14}]}}"
    assert unmet(case) == []


@pytest.mark.parametrize(
    ("expect", "line"),
    [
        ("status: error", "the run ended as success, not as error"),
        ("outputs: {tax: [{sum: 11}]}", "outputs.tax[0].sum is the number 10, not the number 11"),
        ("outputs: {tax: []}", "outputs.tax has 1, not 0"),
        ("outputs: {tax: [{total: 1}]}", "outputs.tax[0] has no item `total`"),
        ("operations: {tax: 2}", "tax ran once, not 2 times"),
        ("failed: {convert: 1}", "convert failed 0 times, not once"),
        ("order: [tax]", "operation 2 is of note, not of any node; it went: tax, note"),
        ("order: [tax, save]", "operation 2 is of note, not of save; it went: tax, note"),
        ("incomplete: [{node: tax}]", "0 incomplete executions are stored, not 1: none"),
        ("saved: [a]", "saved has 0, not 1"),
    ],
)
def test_what_is_not_as_expected_is_told_in_a_line(expect: str, line: str) -> None:
    assert unmet(f"bundles: [{{total: 5}}], expect: {{{expect}}}") == [line]


def test_the_trigger_runs_itself_where_no_bundles_are_given() -> None:
    assert unmet("expect: {outputs: {order: [{nr: 1}], tax: [{sum: 10}]}}") == []


def test_inputs_and_the_time_are_the_tests_own() -> None:
    case = (
        "inputs: {limit: 10}, now: '2026-05-04T10:00:00Z', "
        "expect: {operations: {save: 1}, outputs: {tax: [{at: '2026-05-04T10:00:00+00:00'}]}}"
    )
    assert unmet(case) == []


def test_a_fault_is_thrown_in_as_often_as_asked_and_hours_of_back_off_take_no_time() -> None:
    case = (
        "bundles: [{total: 5}, {total: 50}], until: 12h, "
        "fail: [{node: convert, bundle: 1, times: 3, as: RateLimitError}], "
        "expect: {operations: {save: 1}, failed: {convert: 3}, "
        "incomplete: [{node: convert, error: RateLimitError, status: resolved}]}"
    )
    assert unmet(case) == []


def test_what_is_not_due_yet_stays_pending() -> None:
    case = (
        "bundles: [{total: 50}], until: 59m, fail: [{node: convert, as: RateLimitError}], "
        "expect: {incomplete: [{status: pending, attempts: 0}]}"
    )
    assert unmet(case) == []


def test_answers_are_given_by_bundle() -> None:
    mock = """\
mock:
  note:
    - {bundle: 2, error: {type: DataError, message: refused}}
    - {bundle: 3, outputs: []}
    - {output: {size: 7}}
"""
    case = (
        "bundles: [{nr: 1, total: 1}, {nr: 2, total: 2}, {nr: 3, total: 3}], "
        "expect: {outputs: {note: [{size: 7}]}, failed: {note: 1}, status: warning}"
    )
    assert unmet(case, mock) == []


def test_nothing_outside_is_changed_and_no_service_asked_unless_the_test_says_so() -> None:
    [line] = unmet("bundles: [{total: 1}]", mock="")
    assert "nothing stands in for `note` (files.save_file)" in line
    assert "real: [note]" in line
    assert not Path("out").exists()


def test_a_real_module_works_in_a_folder_that_is_gone_afterwards() -> None:
    case = "bundles: [{nr: 4, total: 1}], real: [note], expect: {saved: [4.txt]}"
    assert unmet(case, mock="") == []
    assert not Path("out").exists()


def test_a_real_conversion_uses_the_connectors_own_server() -> None:
    case = "bundles: [{total: 50}], real: true, expect: {status: success, saved: [a.pdf]}"
    assert unmet(case, mock="") == []
    assert not Path(".fusion").exists()


def test_a_real_service_is_not_asked_without_leave() -> None:
    write("connections.yaml", "cloudconvert: {type: cloudconvert, api_key: {env: NO_KEY}}\n")
    [line] = unmet("bundles: [{total: 50}], real: true", mock="")
    assert line == "`convert` would ask a real service"


def test_a_test_can_start_at_a_node_with_what_it_sees() -> None:
    case = "from: size, given: {order: {nr: 1}, tax: {sum: 500}}, expect: {operations: {save: 1}}"
    assert unmet(case) == []


def test_files_can_be_given_by_path_and_laid_out_in_the_tests_folder() -> None:
    letters()
    write("letter.txt", "Dear Ada")
    write(
        "mail.yaml",
        "flow:\n"
        "  - {id: letter, module: files.watch_folder, with: {folder: inbox, pattern: '*.txt'}}\n"
        "  - id: copy\n"
        "    module: tools.set_variables\n"
        "    with: {variables: {f: '{{ letter.file }}'}}\n",
    )
    write(
        "mail.test.yaml",
        "tests:\n"
        "  - name: the trigger itself\n"
        "    files: {inbox/b.txt: text, inbox/a.txt: {$file: letter.txt}}\n"
        "    expect: {operations: {copy: 2}}\n"
        "  - name: a file by its path\n"
        "    bundles: [{file: {$file: letter.txt}}]\n"
        "    expect: {outputs: {copy: [{f: {name: letter.txt, size: 8}}]}}\n",
    )
    assert fusion("test", "mail.yaml").exit_code == Exit.OK


def test_ways_that_no_test_took_are_named_with_their_lines() -> None:
    shown = played("bundles: [{total: 5}]").stdout
    assert "  large of size" in shown
    assert "filter of tax: a bundle is stopped" in shown
    assert "error route to flow.break" in shown
    assert "filter of tax: a bundle passes" not in shown
    assert "the fallback of size" not in shown


@pytest.mark.parametrize(
    ("case", "said", "column"),
    [
        ("bundels: []", "tests have no key `bundels` here; did you mean `bundles`?", 17),
        ("expect: {operation: {tax: 1}}", "did you mean `operations`?", 26),
        ("expect: {incomplete: [{nod: tax}]}", "keys here: node, error, status, attempts", 40),
        ("mock: {tax: {outptu: {}}}", "keys here: bundle, output, outputs, error", 30),
        ("mock: {tax: {error: {typ: DataError}}}", "keys here: type, message, detail", 38),
        ("fail: [{node: tax, whith: DataError}]", "keys here: node, bundle, times, as", 36),
        ("mock: {convrt: {output: {}}}", "did you mean `convert`?", 24),
        ("mock: {size: {output: {}}}", "no module that anything could stand in for", 24),
        ("mock: {note: {}}", "should have one of output, outputs and error", 30),
        ("fail: [{node: tax, as: Nonsense}]", "should be one of", 40),
        ("now: tomorrow", "should be a date such as", 22),
        ("until: '5'", "did you mean `5m`", 25),
    ],
)
def test_a_mistake_in_a_test_is_told_with_its_place(case: str, said: str, column: int) -> None:
    told = played(case, mock="")
    assert told.exit_code == Exit.USAGE
    assert said in told.output.replace("\n", " ")
    assert f"shop.test.yaml:2:{column}" in told.output


def test_a_problem_of_one_test_stands_below_its_name() -> None:
    lines = played("inputs: {foo: 2}, bundles: []").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "E401" in line)
    assert lines[at].startswith("        error[E401]")
    assert lines[at + 1].startswith("           the scenario has no input `foo`")


def test_exit_code_and_junit_tell_build_servers() -> None:
    case = "bundles: [{total: 5}], expect: {operations: {tax: 2}}"
    assert played(case, "--junit", "out.xml").exit_code == Exit.FAILED
    [suite] = fromstring(Path("out.xml").read_text())  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
    assert suite[0][0].get("message") == "tax ran once, not 2 times"


def test_a_folder_stands_for_all_tests_in_it_and_a_name_selects() -> None:
    played("bundles: []")
    Path("deep").mkdir()
    write("deep/other.yaml", SHOP)
    write("deep/other.test.yaml", "tests: [{name: two, bundles: []}, {name: three, bundles: []}]\n")
    found = json.loads(fusion("test", ".", "--json").stdout)
    assert [len(one["tests"]) for one in found["files"]] == [2, 1]
    chosen = json.loads(fusion("test", ".", "-k", "t", "--json").stdout)
    assert [test["name"] for one in chosen["files"] for test in one["tests"]] == ["two", "three"]
    assert fusion("test", ".", "-k", "zz").exit_code != Exit.OK
    assert fusion("test", "connections.yaml").exit_code == Exit.USAGE


def latest(command: str) -> dict[str, Any]:
    listed = json.loads(fusion(*command.split(), "--json").stdout)
    found: dict[str, Any] = next(value for value in listed.values() if isinstance(value, list))[0]
    return found


@pytest.mark.parametrize("command", ["incomplete list", "runs"])
def test_a_test_written_from_a_failure_is_red_now_and_green_once_it_is_mended(command: str) -> None:
    write("people.yaml", PEOPLE)
    fusion("run", "people.yaml")
    made = fusion("test", "new", "--from", latest(command)["id"])
    assert made.exit_code == Exit.OK, made.output
    red = [fusion("test", "people.test.yaml") for _ in range(2)]
    assert [one.exit_code for one in red] == [Exit.FAILED] * 2
    assert "`+` needs a number, but `person.age` is null" in red[0].output
    assert "1 incomplete execution is stored, not 0: next (DataError)" in red[0].output
    write("people.yaml", PEOPLE.replace("person.age +", "person.age | default(0) +"))
    assert fusion("test", "people.test.yaml").exit_code == Exit.OK


def test_a_recorded_run_is_answered_as_it_was_then_without_its_files_folder() -> None:
    letters("a.txt")
    write(
        "mail.yaml",
        "flow:\n"
        "  - {id: letter, module: files.watch_folder, with: {folder: inbox, pattern: '*.txt'}}\n"
        "  - id: save\n"
        "    module: files.save_file\n"
        "    with: {folder: outbox, file: '{{ letter.file }}'}\n"
        "  - {id: end, module: tools.set_variables, with: {variables: {p: '{{ save.name }}'}}}\n",
    )
    fusion("run", "mail.yaml")
    assert fusion("test", "new", "--from", latest("runs")["id"]).exit_code == Exit.OK
    assert fusion("test", "mail.yaml").exit_code == Exit.OK
    assert fusion("test", "new", "--from", latest("runs")["id"]).exit_code == Exit.OK
    assert len(list(Path().glob("mail*.test.yaml"))) == 2


def test_a_recorded_file_whose_content_is_gone_keeps_its_size() -> None:
    letters("a.txt")
    write(
        "mail.yaml",
        "flow:\n"
        "  - {id: letter, module: files.watch_folder, with: {folder: inbox, pattern: '*.txt'}}\n"
        "  - id: save\n"
        "    module: files.save_file\n"
        "    filter: '{{ letter.file.size > 3 }}'\n"
        "    with: {folder: outbox, file: '{{ letter.file }}'}\n",
    )
    fusion("run", "mail.yaml")
    for content in Path(".fusion").rglob("files/*/*"):
        content.unlink()
    assert fusion("test", "new", "--from", latest("runs")["id"]).exit_code == Exit.OK

    told = fusion("test", "mail.test.yaml")

    assert told.exit_code == Exit.OK, told.output
    assert "size:" in Path("mail.test.yaml").read_text()


def test_a_file_of_a_test_may_be_given_by_its_size() -> None:
    case = "bundles: [{total: 5, file: {$file: {name: a.mov, size: SIZE}}}], expect: {}"
    assert played(case.replace("SIZE", "900")).exit_code == Exit.OK
    told = played(case.replace("SIZE", "-1"))
    assert told.exit_code == Exit.FAILED
    assert "`size` should be a whole number of bytes" in told.output


def test_a_test_from_nothing_says_what_to_do() -> None:
    fusion("run", "shop.yaml")
    asked = fusion("test", "new", "--from", "ffff")
    assert asked.exit_code == Exit.NOT_FOUND
    assert "fusion runs" in asked.output
