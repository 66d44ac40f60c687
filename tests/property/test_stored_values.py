"""Every value that a bundle may hold comes back from JSON as it was."""

import math
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from stored_values import path_of, same, values

from engine.errors import StoreError
from engine.store.encode import MAX_DEPTH, decode, encode, encode_with_files, files_in, to_json


@given(values)
@example({"$date": "no date"})
@example({"$file": {"sha256": "../../etc/passwd"}})
@example({"$collection": [["a", 1]]})
@example({"\ud800": 1, "b": {"\udfff": "\ud800"}})
@example([math.inf, -math.inf, -0.0, 2**64, -(2**63), -(2**63) - 1, 10**5000])
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert same(decode(encode(value), path_of), value)


@given(values)
@example([{"$a": 1}, {"$a": 1, "b": 2}, {"a": ["\ud800"]}, 2**63, math.nan, (1, ("é",))])
def test_a_value_written_without_a_copy_has_the_same_form(value: Any) -> None:
    assert encode_with_files(value) == (orjson.dumps(to_json(value)), tuple(files_in(value)))


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
