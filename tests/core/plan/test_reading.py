"""YAML is read by events: plain data, positions, and limits that hold before anything is built."""

from pathlib import Path

import pytest

from engine.errors import Problem, Problems, ScenarioError
from engine.plan import read as reading
from engine.plan.read import Document, read, read_file
from engine.plan.source import Source


def document(text: str) -> Document:
    problems = Problems()
    found = read(Source("demo.yaml", text), problems)
    problems.raise_if_any()
    return found


def refused(text: str) -> Problem:
    with pytest.raises(ScenarioError) as caught:
        document(text)
    return caught.value.problems[0]


def test_plain_scalars_are_typed_as_every_reader_of_yaml_types_them() -> None:
    text = (
        "a: true\nb: 5\nc: -0.5\nd: null\ne:\nf: on time\ng: 2024-01-01\nh: 1.2.3\ni: 'yes'\n"
        'j: "5"\nk: |\n  5\nl: y\nm: 1.5e3\nn: 10.0.0.1\no: "{{ x }}"\np: []\n'
    )

    assert document(text).data == {
        "a": True,
        "b": 5,
        "c": -0.5,
        "d": None,
        "e": None,
        "f": "on time",
        "g": "2024-01-01",
        "h": "1.2.3",
        "i": "yes",
        "j": "5",
        "k": "5\n",
        "l": "y",
        "m": 1500.0,
        "n": "10.0.0.1",
        "o": "{{ x }}",
        "p": [],
    }


def test_keys_are_texts_even_if_they_look_like_numbers_or_words() -> None:
    assert document("1: a\non: b\n'null': c\n").data == {"1": "a", "on": "b", "null": "c"}


def test_a_byte_order_mark_and_windows_line_ends_change_no_place(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\r\nflow: [b]\r\n")

    found = read(read_file(path), Problems())

    assert found.data == {"name": "a", "flow": ["b"]}
    place = found.value_place(("flow", 0))
    assert (place.line, place.column) == (2, 8)
    assert place.excerpt == ((1, "name: a"), (2, "flow: [b]"))


def test_the_first_of_two_equal_keys_keeps_its_value_and_place() -> None:
    problems = Problems()

    found = read(Source("demo.yaml", "a: {x: 1}\na: {x: 2}\n"), problems)

    assert found.data == {"a": {"x": 1}}
    assert found.value_place(("a", "x")).line == 1
    assert [problem.code for problem in problems.found] == ["E104"]


def test_keys_that_differ_only_in_their_unicode_form_are_equal() -> None:
    problem = refused("caf\u00e9: 1\ncafe\u0301: 2\n")

    assert problem.code == "E104"


def test_several_unquoted_expressions_are_told_together() -> None:
    with pytest.raises(ScenarioError) as caught:
        document("a: {{ x }}\nb:\n  - {{ y.z }}\n")

    assert [problem.code for problem in caught.value.problems] == ["E106", "E106"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("[" * 200_000, "E103", id="brackets without end"),
        pytest.param("{a: " * 100_000, "E103", id="braces without end"),
        pytest.param("- " * 100_000, "E103", id="lists on one line"),
        pytest.param("a: " + "x" * (256 * 1024 + 1) + "\n", "E103", id="long text"),
        pytest.param("a: [" + "1," * 50_000 + "]\n", "E103", id="many values"),
        pytest.param("a: &a [x]\nb: [*a, *a]\n", "E107", id="aliases"),
        pytest.param("", "E112", id="empty"),
        pytest.param("# nothing\n", "E112", id="only a comment"),
        pytest.param("a: \x07\n", "E102", id="control character"),
        pytest.param("a: \ud800\n", "E102", id="half a character"),
    ],
)
def test_hostile_files_are_refused_before_anything_is_built(text: str, code: str) -> None:
    assert refused(text).code == code


def test_depth_and_size_up_to_the_limit_are_fine() -> None:
    depth = reading.MAX_DEPTH - 1

    assert document("a: " + "[" * depth + "]" * depth + "\n").data["a"]
    assert len(document("a: " + "x" * reading.MAX_SCALAR + "\n").data["a"]) == reading.MAX_SCALAR


def test_a_file_over_the_size_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_bytes(b"#" * (reading.MAX_BYTES + 1))

    with pytest.raises(ScenarioError) as caught:
        read_file(path)

    assert caught.value.problems[0].code == "E103"


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_file(tmp_path / "none.yaml")

    assert caught.value.problems[0].code == "E101"
    assert "no such file" in caught.value.message


def test_a_file_that_is_no_text_is_told_where_it_stops_being_one(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_bytes(b"name: a\nflow: \xff\xfe\n")

    with pytest.raises(ScenarioError) as caught:
        read_file(path)

    problem = caught.value.problems[0]
    assert problem.code == "E102"
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (2, 7)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: {{ x }}\n", 'write "{{ x }}"'),
        ('a: {{ f("x") }}\n', "write '{{ f(\"x\") }}'"),
        ("a: {{ f(\"x\", 'y') }}\n", 'write "{{ f(\\"x\\", \'y\') }}"'),
        ("a: {{ x }} and more # remark\n", 'write "{{ x }} and more"'),
        ("a: {b: {{ x }}, c: 1}\n", 'write "{{ x }}"'),
        ("a: {{ @x }}\n", 'write "{{ @x }}"'),
    ],
)
def test_an_unquoted_expression_is_shown_as_it_must_be_written(text: str, hint: str) -> None:
    problem = refused(text)

    assert problem.code == "E106"
    assert problem.message.endswith(hint)
