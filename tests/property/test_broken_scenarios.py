"""However a scenario file is broken, its reader gets problems with places, never a traceback."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.graph import check_graph

TEXT = """\
name: "A demo \\u00e9"
settings: {store_incomplete_executions: true, retry_schedule: [10m, 1h]}
inputs: {customer: {type: text, default: "x", required: false}}
connections:
  cloudconvert: {type: cloudconvert, api_key: {env: KEY}}
flow:
  - id: video
    module: files.watch_folder
    with: {folder: inbox, pattern: "*.mov"}
  - id: convert
    module: cloudconvert.convert_file
    filter: {name: big, any: [{all: [["{{ video.size }}", "number:greater", 5]]}]}
    with:
      input_file: upload
      file: "{{ video.file }}"
      output_format: mp4
      download_file: true
      file_name: >-
        {{ video.file.stem }}
        of {{ inputs.customer }}.mp4
    on_error:
      - module: flow.break
        with: {attempts: 3, interval: 15m}
  - id: each
    module: flow.iterator
    with: {array: "{{ convert.files }}"}
  - id: collected
    module: flow.array_aggregator
    with: {source: each, fields: {name: '{{ each.name }}'}}
  - module: flow.router
    routes:
      - {name: a, filter: "{{ collected.array|length > 1 }}", flow: [{module: files.save_file,
         with: {folder: out, file: "{{ convert.file }}"}}]}
      - fallback: true
"""

PIECES = [
    *(
        "",
        " ",
        "\n",
        "  ",
        "\t",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "{{",
        "}}",
        "#",
        "|",
        ">",
    ),
    *("&a", "*a", "!t", "%", "@", "null", "5", "\u2028", "é", "\\", "flow: ", "id: ", "0x1"),
]

EDITS = st.lists(
    st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), st.sampled_from(PIECES)),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


def test_the_unbroken_file_is_fine(catalog: Catalog) -> None:
    assert len(load_text(TEXT, Path("nowhere/demo.yaml"), catalog).nodes) == 7


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=EDITS)
def test_a_broken_file_gives_problems_with_places_in_it(
    catalog: Catalog, edits: list[tuple[int, int, str]]
) -> None:
    text = TEXT
    for at, removed, piece in edits:
        text = text[:at] + piece + text[at + removed :]
    lines = text.splitlines()

    try:
        plan = load_text(text, Path("nowhere/demo.yaml"), catalog)
    except ScenarioError as error:
        for problem in error.problems:
            assert problem.title
            assert problem.place is not None
            assert 1 <= problem.place.line <= len(lines) + 1
            assert problem.place.column >= 1
            assert len(problem.message) < 600
    else:
        check_graph(plan)
