"""What `fusion validate --fix` mends, and what it leaves as it is."""

import os
from pathlib import Path

import pytest

from engine.errors import ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.fixes import fix_file, fixed_text

FLOW = """\
flow:
  - {id: line, module: tools.basic_trigger, with: {bundles: [{nr: 1}]}}  # one bundle
"""
BREAK = FLOW + "  - {module: demo.find, on_error: [module: flow.break]}\n"
STORES = "store_incomplete_executions: true"


def fixed(text: str, catalog: Catalog) -> str:
    return fixed_text(text, Path("demo.yaml"), catalog).text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("with: {a: {{ line.nr }}}", 'with: {a: "{{ line.nr }}"}'),
        ("with: {a: {{ line.nr }}, b: 1}", 'with: {a: "{{ line.nr }}", b: 1}'),
        ("with: {a: no}", 'with: {a: "no"}'),
        ("with: {a: 012, b: 12:30}", 'with: {a: "012", b: "12:30"}'),
        ("with: {a: 12:30:00, b: 010}", 'with: {a: "12:30:00", b: "010"}'),
        ("with: {a: 2026-03-01, b: no}", 'with: {a: 2026-03-01, b: "no"}'),
        ("with: {a: yes, b: on, c: Off}", 'with: {a: "yes", b: "on", c: "Off"}'),
        ("with: {a: 1_000}", 'with: {a: "1_000"}'),
        ("with: {a: ~}", "with: {a: null}"),
        ("disabled: off", "disabled: false"),
        ("disabled: TRUE", "disabled: true"),
        ("concurrency: 0x2, disabled: no", "concurrency: 0x2, disabled: false"),
    ],
)
def test_an_expression_and_an_ambiguous_value_are_written_clearly(
    before: str, after: str, catalog: Catalog
) -> None:
    head = f"{FLOW}  # a comment\n  - {{module: demo.find, "

    text = fixed(f"{head}{before}}}\n", catalog)

    assert text == f"{head}{after}}}\n"


@pytest.mark.parametrize("wrong", ["with: 5", "with:", "wiht: {a: 1}", "module: 'demo.find' x"])
def test_an_ambiguous_value_waits_until_its_field_can_be_looked_at(
    wrong: str, catalog: Catalog
) -> None:
    text = f"settings: {{auto_commit: no}}\n{FLOW}  - module: demo.find\n    {wrong}\n"

    assert fixed(text, catalog) == text


def test_an_unquoted_expression_in_a_block_keeps_its_comment(catalog: Catalog) -> None:
    head = FLOW + "  - module: demo.find\n    with:\n"

    text = fixed(
        f"{head}      a: {{{{ line.nr }}}}  # why\n      b: {{{{ line.nr }}}} of 3\n", catalog
    )

    assert text == f'{head}      a: "{{{{ line.nr }}}}"  # why\n      b: "{{{{ line.nr }}}} of 3"\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"settings: {{{STORES}}}\n"),
        ("name: A  # mine\n", f"name: A  # mine\nsettings: {{{STORES}}}\n"),
        ("settings: {}\n", f"settings: {{{STORES}}}\n"),
        ("settings: {max_cycles: 2}\n", f"settings: {{{STORES}, max_cycles: 2}}\n"),
        ("settings:\n    max_cycles: 2\n", f"settings:\n    {STORES}\n    max_cycles: 2\n"),
        (
            "settings:  # of mine\n\n  # first\n  max_cycles: 2\n",
            f"settings:  # of mine\n\n  # first\n  {STORES}\n  max_cycles: 2\n",
        ),
        ("settings: {store_incomplete_executions: false}\n", f"settings: {{{STORES}}}\n"),
    ],
)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_a_scenario_with_a_break_is_set_to_store(
    before: str, after: str, line_break: str, catalog: Catalog
) -> None:
    text = fixed((before + BREAK).replace("\n", line_break), catalog)

    assert text == (after + BREAK).replace("\n", line_break)
    load_text(text, Path("demo.yaml"), catalog)


HANDLER = (
    FLOW
    + """\
  - module: demo.find
    on_error:
      - {module: demo.find, filter: "{{ error.type == 'TYPE' }}"}  # why
      - module: flow.ignore
"""
)


@pytest.mark.parametrize("name", ["dataerror", "DATAERROR", "DataERROR"])
def test_a_type_of_an_error_gets_its_capitals(name: str, catalog: Catalog) -> None:
    text = fixed(HANDLER.replace("TYPE", name), catalog)

    assert text == HANDLER.replace("TYPE", "DataError")


def test_a_type_that_may_be_another_one_is_left_to_its_author(catalog: Catalog) -> None:
    text = HANDLER.replace("TYPE", "DataErorr")

    assert fixed(text, catalog) == text


CONNECTED = (
    """\
connections:
  office: {type: service, token: KEY, base_url: https://example.com}  # ours
"""
    + FLOW
)


@pytest.mark.parametrize("written", ["8f3e1c7a9b2d", '"8f3e1c7a9b2d"', "'8f3e1c7a9b2d'"])
def test_a_secret_that_the_environment_holds_becomes_a_reference(
    written: str, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "8f3e1c7a9b2d")
    text = CONNECTED.replace("KEY", written)

    done = fixed_text(text, Path("demo.yaml"), catalog)

    assert done.text == CONNECTED.replace("KEY", "{env: SERVICE_TOKEN}")
    assert done.done == ((2, "wrote {env: SERVICE_TOKEN} for the secret"),)


@pytest.mark.parametrize("held", ["", "8f3e1c7a", "8f3e1c7a9b2d5"])
def test_the_only_copy_of_a_secret_is_not_taken_away(
    held: str, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", held)
    text = CONNECTED.replace("KEY", "8f3e1c7a9b2d")

    assert fixed(text, catalog) == text


def test_no_fix_takes_a_node_a_route_or_a_secret_away(catalog: Catalog) -> None:
    text = (
        FLOW
        + """\
  - {id: made, module: tools.compose_string, with: {value: a}}
  - {module: demo.find, with: {token: 8f3e1c7a9b2d}}
  - {id: all, module: flow.array_aggregator, with: {source: line, fields: {a: x}}}
  - module: flow.router
    routes:
      - {flow: [{module: demo.find}]}
      - {fallback: true, flow: [{module: demo.find}]}
"""
    )
    warned = [each.code for each in load_text(text, Path("demo.yaml"), catalog).warnings]

    assert warned == ["W103", "W104", "W106", "W106", "W101"]
    assert fixed(text, catalog) == text


def test_what_cannot_be_mended_stays_as_it_is(catalog: Catalog) -> None:
    text = FLOW + '  - {module: demo.find, with: {a: "{{ lime.nr }}"}, disabled: maybe}\n'

    assert fixed(text, catalog) == text


def test_a_file_is_mended_at_once_and_keeps_its_mode_and_mark(
    catalog: Catalog, tmp_path: Path
) -> None:
    path, link = tmp_path / "demo.yaml", tmp_path / "link.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BREAK.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    link.symlink_to(path)

    done = fix_file(link, catalog, None).done

    assert [words for _line, words in done] == ["set store_incomplete_executions"]
    assert path.read_bytes().startswith(b"\xef\xbb\xbfsettings: {store")
    assert path.read_bytes().count(b"\r\n") == 4
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["demo.yaml", "link.yaml"]


def test_a_file_with_nothing_to_mend_is_not_written(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text(FLOW)
    before = path.stat()

    fix_file(path, catalog, None)

    assert path.stat().st_ino == before.st_ino


def test_a_file_that_is_not_there_is_told(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError):
        fix_file(tmp_path / "demo.yaml", catalog, None)
