"""Mistakes of authors, each with the code and the exact place that must be reported.

They stand in `mistakes/*.txt`: `=== CODE name | words of the message`, then the scenario. `§`
stands before the character that the problem points at. A text that begins with `-` is put behind
a trigger `video`; any other is a whole file.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.errors import Problem, ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.check import load_text

HEAD = """\
name: A demo
flow:
  - id: video
    module: demo.watch
    with: {folder: inbox}
"""

_HEADLINE = re.compile(r"^=== (E\d+) ([^|\n]+?)(?: \| (.*))?\n", re.MULTILINE)


class Mistake(NamedTuple):
    code: str
    name: str
    says: str
    text: str

    def written(self) -> tuple[str, int, int]:
        """Return the file's text, and the line and column of the mark in it."""
        text = self.text
        if text.startswith(("- ", "§- ")):
            text = HEAD + "".join(f"  {line}\n" for line in text.splitlines())
        before, _mark, after = text.partition("§")
        return before + after, before.count("\n") + 1, len(before) - before.rfind("\n")


def mistakes() -> list[Mistake]:
    found = []
    for path in sorted((Path(__file__).parent / "mistakes").glob("*.txt")):
        _nothing, *parts = _HEADLINE.split(path.read_text(encoding="utf-8"))
        for at in range(0, len(parts), 4):
            code, name, says, text = parts[at : at + 4]
            found.append(Mistake(code, name, says or "", text.rstrip("\n") + "\n"))
    return found


def problems_of(text: str, catalog: Catalog, folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(ScenarioError) as caught:
        load_text(text, folder / "demo.yaml", catalog)
    return caught.value.problems


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_with_its_code_and_exact_place(
    mistake: Mistake, catalog: Catalog, tmp_path: Path
) -> None:
    text, line, column = mistake.written()

    problems = problems_of(text, catalog, tmp_path)

    assert [problem.code for problem in problems] == [mistake.code]
    place = problems[0].place
    assert place is not None
    assert (place.line, place.column) == (line, column)
    assert place.file == str(tmp_path / "demo.yaml")
    assert place.excerpt[-1][0] == line
    assert mistake.says in problems[0].message


def test_the_corpus_holds_what_it_held() -> None:
    names = [mistake.name for mistake in mistakes()]

    assert len(names) >= 150
    assert len(set(names)) == len(names)


def test_all_mistakes_of_a_file_are_told_in_one_reading_in_document_order(
    catalog: Catalog, tmp_path: Path
) -> None:
    text = HEAD + (
        "  - id: now\n"
        "    module: demo.convret\n"
        "    lable: x\n"
        "  - module: demo.convert\n"
        '    with: {format: 5, file: "{{ vidio.file }}", options: {width: wide}}\n'
        "    disabled: no\n"
    )

    problems = problems_of(text, catalog, tmp_path)

    codes = ["E121", "E120", "E110", "E202", "E132", "E105"]
    assert [problem.code for problem in problems] == codes
    places = [(p.place.line, p.place.column) for p in problems if p.place]
    assert places == sorted(places)


def test_a_problem_has_the_shape_of_every_error(catalog: Catalog, tmp_path: Path) -> None:
    text = HEAD + '  - module: demo.put\n    with:\n      a: "{{ video.fiel }}"\n'

    (problem,) = problems_of(text, catalog, tmp_path)

    assert problem.title == "undefined item in mapping"
    assert problem.message == "`video` has no item `fiel`; did you mean `file`?"
    assert problem.notes == ("video has: file, name, path, size, tags",)
    assert problem.next == "fusion modules demo.watch"
    assert problem.place is not None
    assert problem.place.length == len("fiel")
    assert problem.place.excerpt == ((7, "    with:"), (8, '      a: "{{ video.fiel }}"'))


def test_a_secret_in_clear_is_in_no_excerpt(catalog: Catalog, tmp_path: Path) -> None:
    text = (
        "connections:\n"
        "  acme: {type: service, token: s3cr3tvalue}\n"
        "  other: {tpye: service}\n"
        "flow: [{module: service.call}]\n"
    )

    problems = problems_of(text, catalog, tmp_path)

    assert [problem.code for problem in problems] == ["E303", "E111"]
    assert "s3cr3tvalue" not in repr(problems)


def test_a_hostile_name_is_cut_and_cannot_act_on_a_terminal(
    catalog: Catalog, tmp_path: Path
) -> None:
    text = HEAD + f'  - module: "x\\e[31m{"y" * 10_000}.z"\n'

    (problem,) = problems_of(text, catalog, tmp_path)

    assert "\x1b" not in problem.message
    assert len(problem.message) < 200
