"""Every incomplete execution that can be stored comes back from its text, byte for byte."""

from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from stored_values import path_of, same, values

from engine.model.bundle import File
from engine.model.execution import Attempt, Failure, Incomplete, IncompleteStatus
from engine.plan.source import Source
from engine.store.encode import files_in
from engine.store.names import clean_name
from engine.store.portable import exported, imported

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)

RECORD = Incomplete(
    id="0123456789abcdef" * 2,
    scenario_id="videos",
    execution_id="e1",
    node_id="convert",
    status=IncompleteStatus.PENDING,
    created_at=AT,
    failure=Failure("DataError", "moov atom not found", {"code": 17}, "videos.yaml:12:5"),
    source="flow:\n  - id: a\n\n",
    source_path="/home/ann/videos.yaml",
    bundles={"video": {"name": "a.mov"}},
    earlier=(Attempt(AT, "e0", "save", Failure("ConnectionError", "refused")),),
    failed_at=AT,
    due_at=AT,
)

texts = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    [
        "\n",
        "a\n",
        "a\n\n",
        " a\n b",
        "a \n\tb\n",
        "--- \n...\n",
        "\x85\n",
        "\u2028\n",
        "# a\nb: c",
        "null",
    ]
)
bundles = st.dictionaries(texts, st.dictionaries(texts, values, max_size=3), max_size=3)


def with_clean_names(value: Any) -> Any:
    """Return a value whose files have names that files in a store may have."""
    if isinstance(value, File):
        return replace(value, name=clean_name(value.name))
    if isinstance(value, dict):
        return {key: with_clean_names(item) for key, item in value.items()}
    return [with_clean_names(item) for item in value] if isinstance(value, list) else value


def again(text: str) -> Incomplete:
    return imported(Source("record.yaml", text), path_of)


@settings(max_examples=40)
@given(bundles, st.dictionaries(texts, values, max_size=3), texts)
@example({"a": {"\u00e9": 1, "e\u0301": 2}}, {"x" * 2000: 1.0, "1.5": 1e-07, "<<": -0.0}, "a\r\nb")
@example({"a": {"": {"": [[], {}, [[]], [{}], [[1], {"$x": 1}]]}}}, {}, "\ufeff\x7f\x00")
def test_a_record_comes_back_byte_for_byte(
    found: dict[str, Any], variables: dict[str, Any], source: str
) -> None:
    record = replace(
        RECORD,
        bundles=with_clean_names(found),
        variables=with_clean_names(variables),
        fields=with_clean_names(variables),
        source=source or " ",
    )
    text = exported(record)
    back = again(text)
    assert exported(back) == text
    assert same(back.bundles, record.bundles)
    assert same(back.variables, record.variables)
    assert same(back.fields, record.fields)
    assert (back.source, back.earlier, back.failure) == (
        record.source,
        record.earlier,
        record.failure,
    )
    assert len(list(files_in(back.bundles))) == len(list(files_in(record.bundles)))


def test_the_text_of_a_scenario_reads_as_it_was_written() -> None:
    text = exported(RECORD)
    assert "source: |2+\n  flow:\n    - id: a\n" in text
    assert again(text) == RECORD


def test_no_part_of_a_record_is_left_out() -> None:
    record = replace(
        RECORD,
        inputs={"customer": "Ann"},
        variables={"count": 3},
        fields={"output_format": "mp4"},
        cursor={"a.mov": True},
        attempts=1,
        allowed=3,
        interval_seconds=900,
        operation_key="e1-convert-1.1",
        confidential=True,
    )
    optional = [one for one in fields(record) if one.default is not MISSING]
    assert [one.name for one in optional if getattr(record, one.name) == one.default] == []
    assert again(exported(record)) == record
