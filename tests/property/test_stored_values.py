"""Every value that a bundle may hold comes back from JSON as it was."""

import math
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import StoreError
from engine.model.bundle import File
from engine.store.encode import MAX_DEPTH, decode, encode, files_in

FOLDER = Path("files")

texts = st.text(st.characters(codec=None)) | st.sampled_from(["$date", "$file", "$x", "\ud800"])
files = st.builds(
    lambda name, size, sha256: File(name, size, "video/mp4", sha256, FOLDER / sha256),
    texts,
    st.integers(0, 2**63 - 1),
    st.text("0123456789abcdef", min_size=64, max_size=64),
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**4096)
    | st.floats(allow_nan=False)
    | texts
    | st.datetimes(timezones=st.just(UTC))
    | st.binary()
    | files
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


def path_of(sha256: str) -> Path:
    return FOLDER / sha256


def same(one: Any, other: Any) -> bool:
    """Compare with types: True is not 1, and -0.0 is not 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, File):
        return (one, one.size, one.type, one.path) == (other, other.size, other.type, other.path)
    if isinstance(one, float):
        return repr(one) == repr(other)
    return bool(one == other)


@given(values)
@example({"$date": "no date"})
@example({"$file": {"sha256": "../../etc/passwd"}})
@example({"$collection": [["a", 1]]})
@example({"\ud800": 1, "b": {"\udfff": "\ud800"}})
@example([math.inf, -math.inf, -0.0, 2**64, -(2**63), -(2**63) - 1, 10**5000])
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert same(decode(encode(value), path_of), value)


def test_not_a_number_comes_back_as_it_was() -> None:
    assert math.isnan(decode(encode(math.nan), path_of))


@given(values)
def test_no_file_of_a_value_is_missed(value: Any) -> None:
    found = list(files_in(value))
    assert encode(value).count(b'"$file":{') >= len(found)
    assert {file.sha256 for file in files_in(decode(encode(value), path_of))} == {
        file.sha256 for file in found
    }


def test_plain_values_look_like_plain_json() -> None:
    assert encode({"a": [1, 2.5, "x", None, True]}) == b'{"a":[1,2.5,"x",null,true]}'


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"$x": value}
    return value


def test_the_deepest_value_comes_back_and_a_deeper_one_is_refused() -> None:
    deepest = nested(MAX_DEPTH)
    assert decode(encode(deepest), path_of) == deepest
    with pytest.raises(StoreError, match="nested"):
        encode(nested(MAX_DEPTH + 1))
    with pytest.raises(StoreError, match="nested"):
        encode(nested(100_000))


@pytest.mark.parametrize("value", [object(), {1}, {1: 2}, 1j])
def test_what_no_bundle_holds_is_refused(value: Any) -> None:
    with pytest.raises(StoreError, match="cannot be stored"):
        encode({"a": value})


@pytest.mark.parametrize("stored", [b'{"$new": 1}', b'{"$date": 5}', b'{"$file": []}'])
def test_a_form_of_a_newer_version_is_refused(stored: bytes) -> None:
    with pytest.raises(StoreError, match="unknown form"):
        decode(stored, path_of)
