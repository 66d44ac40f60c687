"""Mistakes of authors, each with the code and the exact place that must be reported.

They are those of `tests/mistakes.py`. In a file named like a style of YAML's scalars, what is wrong
stands in a scalar of this style.
"""

from collections import Counter
from pathlib import Path

import pytest
import yaml
from mistakes import HEAD, MISTAKES, Mistake

from engine.errors import Problem, ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.check import load, load_text

STYLES = {
    "plain": None,
    "single_quoted": "'",
    "double_quoted": '"',
    "literal": "|",
    "folded": ">",
}
"""Files of one style, and YAML's sign for it."""

OF_VALUES = frozenset(
    {
        *("E102", "E103", "E107", "E111", "E112", "E120", "E121", "E122", "E123", "E124"),
        *("E131", "E132", "E201", "E202", "E203", "E204", "E210", "E211", "E212", "E213"),
        *("E215", "E301", "E303"),
    }
)
"""Codes that point at or into a value, which may have any style."""
OF_KEYS = frozenset({"E104", "E110", "E130"})
"""Codes that point at a key, which is no block."""
OF_PLAIN_VALUES = frozenset({"E105", "E125"})
"""Codes that point at what only a plain scalar can be, such as a number."""
OF_NO_SCALAR = frozenset({"E106"})

FILE = Path(__file__).parent / "demo.yaml"
"""A file that is not there: what would stand in it is given as text."""


def problems_of(text: str, catalog: Catalog) -> tuple[Problem, ...]:
    with pytest.raises(ScenarioError) as caught:
        load_text(text, FILE, catalog)
    return caught.value.problems


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_a_mistake_is_told_with_its_code_and_exact_place(
    mistake: Mistake, catalog: Catalog
) -> None:
    text, line, column = mistake.written()

    problems = problems_of(text, catalog)

    assert [problem.code for problem in problems] == [mistake.code]
    place = problems[0].place
    assert place is not None
    assert (place.line, place.column) == (line, column)
    assert place.file == str(FILE)
    assert place.excerpt[-1][0] == line
    assert mistake.says in problems[0].message


def test_the_corpus_holds_every_code_in_every_style_that_it_can_have() -> None:
    found = MISTAKES
    by_style = Counter((mistake.code, mistake.file) for mistake in found)
    by_code = Counter(mistake.code for mistake in found)
    wanted = {(code, style) for code in OF_VALUES for style in STYLES}
    wanted |= {(code, style) for code in OF_KEYS for style in list(STYLES)[:3]}

    assert len({mistake.title for mistake in found}) == len(found) >= 500
    assert {each: by_style[each] for each in wanted if by_style[each] < 3} == {}
    assert {code: count for code, count in by_code.items() if count < 3} == {}
    assert set(by_code) == OF_VALUES | OF_KEYS | OF_PLAIN_VALUES | OF_NO_SCALAR


@pytest.mark.parametrize("file", STYLES)
def test_what_is_wrong_stands_in_a_scalar_of_the_style_of_its_file(file: str) -> None:
    for mistake in MISTAKES:
        if mistake.file != file or mistake.code == "E102":
            continue
        text, line, column = mistake.written()
        at = sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column - 1
        scalars = [
            event
            for event in yaml.parse(text, Loader=yaml.CSafeLoader)
            if isinstance(event, yaml.ScalarEvent) and event.end_mark and event.end_mark.index > at
        ]
        assert (scalars[0].style or None) == STYLES[file], mistake.title


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_every_line_is_right_and_nearly_every_column(line_break: str, catalog: Catalog) -> None:
    found = MISTAKES
    lines = columns = 0
    for mistake in found:
        text, line, column = mistake.written()
        place = problems_of(text.replace("\n", line_break), catalog)[0].place
        lines += place is not None and place.line == line
        columns += place is not None and (place.line, place.column) == (line, column)

    assert lines == len(found)
    assert columns >= 0.95 * len(found)


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "folder/missing.yaml"])
def test_a_file_that_cannot_be_read_is_told_by_its_name(
    name: str, catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / name, catalog)

    (problem,) = caught.value.problems
    assert (problem.code, problem.place) == ("E101", None)
    assert problem.message.startswith(str(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"\xff", 1, 1),
        ("\ufeffname: ä".encode() + b"\xe4", 1, 8),
        (b"name: a\r\nflow:\r\n  - \x80", 3, 5),
    ],
)
def test_a_byte_that_is_no_text_is_told_with_its_place(
    content: bytes, line: int, column: int, catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "demo.yaml").write_bytes(content)

    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "demo.yaml", catalog)

    (problem,) = caught.value.problems
    assert problem.code == "E102"
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (line, column)


@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("import math\n\nfrom engine.module import Feilds\n", 3, 1),
        ("def f(:\n    pass\n", 1, 7),
        ("x = 1\n\n\ny = x / 0\n", 4, 1),
    ],
)
def test_a_module_file_that_does_not_load_is_told_with_its_place(
    code: str, line: int, column: int, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(code)

    with pytest.raises(ScenarioError) as caught:
        Catalog([tmp_path])

    (problem,) = caught.value.problems
    assert problem.code == "E140"
    assert problem.place is not None
    assert problem.place.file == str(tmp_path / "mine.py")
    assert (problem.place.line, problem.place.column) == (line, column)


def test_the_place_in_a_module_file_is_exact_where_its_folder_is_named_as_seen_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/broken.py").write_text("x = 1\ny = x / 0\n")

    with pytest.raises(ScenarioError) as caught:
        Catalog([Path("mine")])

    (problem,) = caught.value.problems
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == ("mine/broken.py", 2)


def test_all_mistakes_of_a_file_are_told_in_one_reading_in_document_order(
    catalog: Catalog,
) -> None:
    text = HEAD + (
        "  - id: now\n"
        "    module: demo.convret\n"
        "    lable: x\n"
        "  - module: demo.convert\n"
        '    with: {format: 5, file: "{{ vidio.file }}", options: {width: wide}}\n'
        "    disabled: no\n"
    )

    problems = problems_of(text, catalog)

    codes = ["E121", "E120", "E110", "E202", "E132", "E105"]
    assert [problem.code for problem in problems] == codes
    places = [(p.place.line, p.place.column) for p in problems if p.place]
    assert places == sorted(places)


def test_a_problem_has_the_shape_of_every_error(catalog: Catalog) -> None:
    text = HEAD + '  - module: demo.put\n    with:\n      a: "{{ video.fiel }}"\n'

    (problem,) = problems_of(text, catalog)

    assert problem.title == "undefined item in mapping"
    assert problem.message == "`video` has no item `fiel`; did you mean `file`?"
    assert problem.notes == ("video has: file, name, path, size, tags",)
    assert problem.next == "fusion modules demo.watch"
    assert problem.place is not None
    assert problem.place.length == len("fiel")
    assert problem.place.excerpt == ((7, "    with:"), (8, '      a: "{{ video.fiel }}"'))


def test_a_secret_in_clear_is_in_no_excerpt(catalog: Catalog) -> None:
    text = (
        "connections:\n"
        "  acme: {type: service, token: s3cr3tvalue}\n"
        "  other: {tpye: service}\n"
        "flow: [{module: service.call}]\n"
    )

    problems = problems_of(text, catalog)

    assert [problem.code for problem in problems] == ["E303", "E111"]
    assert "s3cr3tvalue" not in repr(problems)


def test_a_hostile_name_is_cut_and_cannot_act_on_a_terminal(
    catalog: Catalog,
) -> None:
    text = HEAD + f'  - module: "x\\e[31m{"y" * 10_000}.z"\n'

    (problem,) = problems_of(text, catalog)

    assert "\x1b" not in problem.message
    assert len(problem.message) < 200
