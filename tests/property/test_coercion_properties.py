"""Whatever comes, a field takes it or says why not; and what it took, it takes again."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field, ValidationError, create_model

from engine.mapping.coercion import ERASE, describe
from engine.model.bundle import File
from engine.module import Fields, FileValue
from engine.plan.coercing import Fault, Misfit
from engine.plan.expected import Slot, coerced, slots_of
from engine.plan.misfits import complaint, rejected


class Node(Fields):
    name: str
    weight: float | None = None
    nodes: "list[Node]" = []


SINGLE: tuple[Any, ...] = (
    str,
    int,
    float,
    bool,
    bytes,
    datetime,
    AwareDatetime,
    date,
    time,
    Any,
    FileValue,
    Node,
)
ANNOTATIONS: tuple[Any, ...] = (
    *SINGLE,
    *(list.__class_getitem__(each) for each in SINGLE),
    *(dict.__class_getitem__((str, each)) for each in SINGLE),
    *(each | None for each in SINGLE if each is not Any),
    int | float,
    int | str,
    bytes | str,
    str | list[int] | dict[str, datetime],
    Literal["a", "b"],
    Literal[1, 2, None],
    Literal["now"] | Node,
    list[list[bool]],
    dict[str, list[Node]],
    tuple[float, ...],
    File | None,
)


class Case(NamedTuple):
    annotation: Any
    model: type[Fields]


CASES = [
    Case(each, create_model("Probe", __base__=Fields, field=(each, Field(default=None))))
    for each in ANNOTATIONS
]
ZONES = (UTC, ZoneInfo("Pacific/Apia"), ZoneInfo("America/St_Johns"))

TEXTS = (
    st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["", "false", "true", "1e400", "-0", "9" * 2_000, "\ud800", "24:00:00"])
    | st.from_regex(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}(:\d{2})?)?( [AP]M)?Z?")
    | st.from_regex(r"\s?[+-]?\d{0,5}\.?\d{0,3}(e[+-]?\d{1,4})?\s?")
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**4090, 2**4200)
    | st.floats()
    | TEXTS
    | st.binary(max_size=8)
    | st.datetimes(timezones=st.sampled_from(ZONES))
    | st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), ERASE])
    | st.just(File("a.pdf", 3, "application/pdf", "0" * 64, Path("a"))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXTS, inner, max_size=4)
        | st.fixed_dictionaries({"name": inner, "data": inner})
        | st.fixed_dictionaries({"name": inner}, optional={"weight": inner, "nodes": inner})
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.sampled_from(CASES), VALUES, st.sampled_from(ZONES), st.booleans())
def test_a_value_fits_or_is_refused_and_nothing_else(
    case: Case, value: Any, zone: Any, written: bool
) -> None:
    slots = slots_of(case.model, zone, written=written)

    found, faults = taken(slots, {"field": value})

    if faults:
        error = rejected([complaint(fault) for fault in faults], ())
        assert error.message.startswith("field `field")
        assert error.message.isprintable()
        return
    assert repr(taken(slots, found)[0]) == repr(found)
    with contextlib.suppress(ValidationError):
        case.model.model_validate(found)


def taken(slots: Mapping[str, Slot], fields: Mapping[str, Any]) -> tuple[Any, tuple[Fault, ...]]:
    try:
        return coerced(slots, fields), ()
    except Misfit as misfit:
        return {}, misfit.faults


@given(VALUES)
def test_every_value_can_be_described_in_a_line(value: Any) -> None:
    words = describe(value)

    assert words.isprintable()
    assert len(words) < 200
