"""Every character of a YAML scalar's value is found again in the file, in every style."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.scalars import origins

ALPHABET = "aZ5é😀 \n\t'\"\\:#-{}%|>\u2028\x85"
STYLES = [None, "'", '"', "|", ">"]
BLOCK_LINES = st.lists(
    st.builds(
        lambda indent, words: " " * indent + words,
        st.integers(0, 3),
        st.text("ab :#'\"{}", max_size=6),
    ),
    min_size=1,
    max_size=7,
)


def scalar_of(document: str) -> yaml.ScalarEvent:
    events = list(yaml.parse(document, Loader=yaml.CSafeLoader))
    return [event for event in events if isinstance(event, yaml.ScalarEvent)][-1]


def assert_found_again(document: str) -> None:
    event = scalar_of(document)
    assert event.start_mark is not None
    assert event.end_mark is not None
    start, end = event.start_mark.index, event.end_mark.index

    at = origins(document, start, end, event.style or "", event.value)

    assert len(at) == len(event.value) + 1
    assert all(start <= index <= end for index in at)
    for char, index in zip(event.value, at, strict=False):
        if char.isalnum():
            assert document[index] == char or document[index] == "\\"
    letters = [index for char, index in zip(event.value, at, strict=False) if char.isalnum()]
    assert letters == sorted(set(letters))


@given(
    value=st.text(ALPHABET, max_size=60), style=st.sampled_from(STYLES), width=st.integers(5, 80)
)
def test_what_yaml_writes_is_found_again(value: str, style: str | None, width: int) -> None:
    document = yaml.dump(
        {"key": value}, default_style=style, width=width, allow_unicode=True, Dumper=yaml.SafeDumper
    )

    assert_found_again(document)


@given(lines=BLOCK_LINES, sign=st.sampled_from("|>"), chomp=st.sampled_from(["", "-", "+"]))
def test_block_texts_by_hand_are_found_again(lines: list[str], sign: str, chomp: str) -> None:
    body = "".join(f"   {line}\n" if line.strip() else "\n" for line in lines)
    document = f"key: {sign}{chomp}\n   first\n{body}"

    assert_found_again(document)


@given(lines=BLOCK_LINES, digit=st.integers(1, 3), sign=st.sampled_from("|>"))
def test_block_texts_with_an_indentation_digit_are_found_again(
    lines: list[str], digit: int, sign: str
) -> None:
    indent = " " * digit
    body = "".join(f"{indent}{line}\n" if line.strip() else "\n" for line in lines)
    document = f"key: {sign}{digit}-\n{indent} first\n{body}"

    assert_found_again(document)
