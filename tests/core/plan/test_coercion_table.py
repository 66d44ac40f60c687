"""What each kind of field makes of each kind of value, row by row of Fusion's table."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pytest
from pydantic import AwareDatetime, BeforeValidator, Field, create_model, field_validator

from engine.mapping.coercion import ERASE
from engine.model.bundle import File
from engine.module import Fields, FileValue
from engine.plan.coercing import Misfit
from engine.plan.expected import coerced, slots_of

ERROR = "error"
PRAGUE = ZoneInfo("Europe/Prague")
MOMENT = datetime(2016, 6, 20, 17, 26, 44, 356_000, tzinfo=UTC)
FILE = File("a.pdf", 3, "application/pdf", "0" * 64, Path("/nowhere"))

VALUES: dict[str, Any] = {
    "array": ["a", 1],
    "boolean": True,
    "buffer": "żółw".encode(),
    "collection": {"a": 1},
    "date": MOMENT,
    "number": 12.5,
    "text": "some text",
    "file": FILE,
}
"""One value of each kind."""


def made_of(value: Any, annotation: Any, *, written: bool = False) -> Any:
    """Return what a field of a type gets for a value, `ERROR` if it is refused."""
    model = create_model("Probe", __base__=Fields, field=(annotation, None))
    try:
        return coerced(slots_of(model, PRAGUE, written=written), {"field": value})["field"]
    except Misfit:
        return ERROR


ROWS: dict[Any, dict[str, Any]] = {
    list[Any]: {kind: [value] for kind, value in VALUES.items()} | {"array": ["a", 1]},
    bool: dict.fromkeys(VALUES, True),
    bytes: {
        "array": ERROR,
        "boolean": b"true",
        "buffer": "żółw".encode(),
        "collection": ERROR,
        "date": b"2016-06-20T17:26:44.356Z",
        "number": b"12.5",
        "text": b"some text",
        "file": ERROR,
    },
    dict[str, Any]: dict.fromkeys(VALUES, ERROR) | {"collection": {"a": 1}, "file": FILE},
    datetime: dict.fromkeys(VALUES, ERROR) | {"date": MOMENT},
    float: dict.fromkeys(VALUES, ERROR) | {"number": 12.5},
    str: {
        "array": "a, 1",
        "boolean": "true",
        "buffer": "żółw",
        "collection": ERROR,
        "date": "2016-06-20T17:26:44.356Z",
        "number": "12.5",
        "text": "some text",
        "file": ERROR,
    },
    time: dict.fromkeys(VALUES, ERROR),
    Any: VALUES,
}
"""Each expected kind with what becomes of a value of each kind."""


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("annotation", ROWS, ids=str)
def test_a_field_makes_of_a_value_what_its_row_says(annotation: Any, kind: str) -> None:
    expected = ROWS[annotation][kind]

    for made in (made_of(VALUES[kind], annotation), made_of(VALUES[kind], annotation | None)):
        assert made == expected
        assert type(made) is type(expected)


@pytest.mark.parametrize("annotation", ROWS, ids=str)
def test_nothing_is_made_of_null(annotation: Any) -> None:
    model = create_model("Probe", __base__=Fields, field=(annotation, None))

    assert coerced(slots_of(model, PRAGUE), {"field": None}) == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, True),
        (0.0, True),
        (-1, True),
        (False, False),
        ("", False),
        ("false", False),
        ("False", True),
        ("0", True),
        ("no", True),
        (" ", True),
        ([], True),
        ({}, True),
        (b"", True),
    ],
)
def test_booleans(value: Any, expected: bool) -> None:
    assert made_of(value, bool) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("false", False), ("", False), (True, True), ("no", ERROR), (0, ERROR)],
)
def test_a_constant_boolean_is_not_guessed(value: Any, expected: Any) -> None:
    assert made_of(value, bool, written=True) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12", 12),
        (" -0.5 ", -0.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("", ERROR),
        ("wide", ERROR),
        ("1,5", ERROR),
        ("0x10", ERROR),
        ("١٢", ERROR),
        ("1_000", ERROR),
        ("nan", ERROR),
        ("inf", ERROR),
        ("9" * 5_000, ERROR),
        (False, ERROR),
    ],
)
@pytest.mark.parametrize("annotation", [float, int | float, float | None])
def test_numbers_in_texts(annotation: Any, value: Any, expected: Any) -> None:
    assert made_of(value, annotation) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        (3.0, 3),
        ("3", 3),
        ("3.0", 3),
        (3.5, ERROR),
        ("3.5", ERROR),
        (True, ERROR),
        (float("inf"), ERROR),
        (float("nan"), ERROR),
        (MOMENT, ERROR),
    ],
)
def test_a_whole_number_has_no_decimals_to_lose(value: Any, expected: Any) -> None:
    made = made_of(value, int)

    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3.0, "3"),
        (-0.25, "-0.25"),
        (False, "false"),
        ("", ""),
        (b"\xff\xfe", ERROR),
        ([1, [True, None], MOMENT], "1, true, , 2016-06-20T17:26:44.356Z"),
        ([], ""),
        ([{"a": 1}], ERROR),
        ([FILE], ERROR),
        (["x" * 600_000] * 2, ERROR),
    ],
)
def test_texts(value: Any, expected: Any) -> None:
    assert made_of(value, str) == expected


def test_an_array_nested_without_end_is_refused_and_not_a_crash() -> None:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]

    assert made_of(value, str) == ERROR


DATES = [
    ("2016-06-20T17:26:44.356Z", MOMENT),
    ("2016-06-20 19:26:44 GMT+02:00", datetime(2016, 6, 20, 17, 26, 44, tzinfo=UTC)),
    ("2016-06-20 19:26+0200", datetime(2016, 6, 20, 17, 26, tzinfo=UTC)),
    ("2016-06-20 17:26:44", datetime(2016, 6, 20, 15, 26, 44, tzinfo=UTC)),
    ("2016-06-20", datetime(2016, 6, 19, 22, tzinfo=UTC)),
    ("2016/06/20T17:26:44.356Z", MOMENT),
    ("2016/06/20 19:26:44 GMT+02:00", datetime(2016, 6, 20, 17, 26, 44, tzinfo=UTC)),
    ("2016/06/20 19:26+0200", datetime(2016, 6, 20, 17, 26, tzinfo=UTC)),
    ("2016/06/20 17:26:44", datetime(2016, 6, 20, 15, 26, 44, tzinfo=UTC)),
    ("2016/06/20", datetime(2016, 6, 19, 22, tzinfo=UTC)),
    ("2016/06/20 5:26 PM", datetime(2016, 6, 20, 15, 26, tzinfo=UTC)),
    ("2016/06/20 5:26 PM +02:00", datetime(2016, 6, 20, 15, 26, tzinfo=UTC)),
    ("06/20/2016 17:26:44", datetime(2016, 6, 20, 15, 26, 44, tzinfo=UTC)),
    ("06/20/2016 17:26:44 +0000", datetime(2016, 6, 20, 17, 26, 44, tzinfo=UTC)),
    ("06/20/2016 5:26 PM", datetime(2016, 6, 20, 15, 26, tzinfo=UTC)),
    ("06/20/2016 5:26 PM GMT+02:00", datetime(2016, 6, 20, 15, 26, tzinfo=UTC)),
    ("20.6.2016 17:26:44", datetime(2016, 6, 20, 15, 26, 44, tzinfo=UTC)),
    ("20.6.2016 17:26:44 -07:00", datetime(2016, 6, 21, 0, 26, 44, tzinfo=UTC)),
    ("20.6.2016", datetime(2016, 6, 19, 22, tzinfo=UTC)),
    ("1.1.2016", datetime(2015, 12, 31, 23, tzinfo=UTC)),
]
"""Every form of date text that Fusion takes; without an offset it is in Prague here."""


@pytest.mark.parametrize(("text", "expected"), DATES)
@pytest.mark.parametrize("annotation", [datetime, AwareDatetime])
def test_a_date_text_is_read_in_the_time_zone_of_the_scenario(
    annotation: Any, text: str, expected: datetime
) -> None:
    made = made_of(text, annotation)

    assert made == expected
    assert made.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "soon", "June 2016", "2016-06", "2016", "17:26:44", "2016-02-30", "31.6.2016",
     "20/06/2016", "2016-06-20 25:00:00", "1466443604", "0000-01-01", "2016-06-20T17:26:44.356ZZ"],
)  # fmt: skip
def test_a_text_without_day_month_and_year_is_no_date(text: str) -> None:
    assert made_of(text, datetime) == ERROR


def test_a_date_stays_the_same_moment_in_utc() -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=-7)))

    assert made_of(local, datetime).isoformat() == "2016-06-20T17:26:44.356000+00:00"


def test_a_day_is_that_of_the_scenarios_time_zone() -> None:
    assert made_of(datetime(2016, 6, 19, 22, 30, tzinfo=UTC), date) == date(2016, 6, 20)
    assert made_of("20.6.2016", date) == date(2016, 6, 20)
    assert made_of(datetime.max.replace(tzinfo=UTC), date) == ERROR


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("9:05:07", time(9, 5, 7)),
        ("23:59:59", time(23, 59, 59)),
        (time(1, 2, 3), time(1, 2, 3)),
        ("9:05", ERROR),
        ("24:00:00", ERROR),
        ("9:60:00", ERROR),
        ("9:5:7", ERROR),
        ("", ERROR),
        (90507, ERROR),
    ],
)
def test_times(value: Any, expected: Any) -> None:
    assert made_of(value, time) == expected


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("1", list[int], [1]),
        (["1", 2.0], list[int], [1, 2]),
        (["1", "x"], list[int], ERROR),
        (("a", 1), list[str], ["a", "1"]),
        (7, tuple[str, ...], ["7"]),
        (7, set[str], ["7"]),
        ([1, "2"], list, [1, "2"]),
        (FILE, list[File], [FILE]),
        ([[1]], list[list[str]], [["1"]]),
        (7, list[list[str]], [["7"]]),
        ({"a": 1, "b": True}, dict[str, str], {"a": "1", "b": "true"}),
        ({"a": []}, dict[str, int], ERROR),
        ([{"a": 1}], dict[str, str], ERROR),
        (7, tuple[str, int], 7),
    ],
)
def test_what_is_inside_arrays_and_collections_is_coerced_too(
    value: Any, annotation: Any, expected: Any
) -> None:
    assert made_of(value, annotation) == expected


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (320, Literal["320", "640"], "320"),
        ("2", Literal[1, 2], 2),
        (True, Literal[1, 2], ERROR),
        ("false", Literal[False, True], False),
        ("2", Literal[1, "2"], "2"),
        (2, Literal["1", "2", None], "2"),
        (["red"], Colour, "red"),
        ({"a": 1}, Colour, ERROR),
    ],
)
def test_a_choice_expects_what_all_its_values_are(
    value: Any, annotation: Any, expected: Any
) -> None:
    assert made_of(value, annotation) == expected


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("12", int | str, "12"),
        ("12", str | int, "12"),
        (12, int | str, 12),
        (12.5, int | str, "12.5"),
        (True, int | str, "true"),
        (True, bool | str, True),
        (b"\xff", bytes | str, b"\xff"),
        ("a", bytes | str, "a"),
        (1, str | bytes, "1"),
        (1, str | list[str], "1"),
        ([1], str | list[str], ["1"]),
        ({"a": 1}, str | list[int], ERROR),
        ({"a": 1}, str | dict[str, str], {"a": "1"}),
        (True, int | float, ERROR),
        (3.5, int | float, 3.5),
        ("3.5", int | float, 3.5),
        (FILE, str | File, FILE),
        (5, str | File, 5),
    ],
)
def test_a_field_of_several_kinds_keeps_a_value_that_is_of_one(
    value: Any, annotation: Any, expected: Any
) -> None:
    made = made_of(value, annotation)

    assert made == expected
    assert type(made) is type(expected)


class Size(Fields):
    width: int
    unit: str = "px"
    label: str | None = None


class Tree(Fields):
    name: str
    children: "list[Tree]" = []


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ({"width": "3", "unit": None}, Size, {"width": 3}),
        ({"width": None, "label": None}, Size, {}),
        ({"width": 1, "other": "1"}, Size, {"width": 1, "other": "1"}),
        ({"width": "3"}, list[Size], [{"width": 3}]),
        ({"big": {"width": "3"}}, dict[str, Size], {"big": {"width": 3}}),
        ({"width": "3"}, Literal["auto"] | Size, {"width": 3}),
        ("auto", Literal["auto"] | Size, "auto"),
        ({"width": "wide"}, Literal["auto"] | Size, ERROR),
        ("3", Size, ERROR),
        ([], Size, ERROR),
        (
            {"name": 1, "children": {"name": 2, "children": [{"name": 3}]}},
            Tree,
            {"name": "1", "children": [{"name": "2", "children": [{"name": "3"}]}]},
        ),
    ],
)
def test_the_fields_of_a_field_are_coerced_too(value: Any, annotation: Any, expected: Any) -> None:
    assert made_of(value, annotation) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (FILE, FILE),
        ({"name": "a", "data": FILE}, {"name": "a", "data": FILE}),
        ({"name": 7, "data": b"\xff"}, {"name": "7", "data": b"\xff"}),
        ({"name": "a", "data": True}, {"name": "a", "data": "true"}),
        ({"name": "a", "data": MOMENT}, {"name": "a", "data": "2016-06-20T17:26:44.356Z"}),
        ({"name": "a", "data": None}, ERROR),
        ({"name": None, "data": "x"}, ERROR),
        ({"name": "a", "data": ["x"]}, ERROR),
        ({"name": "a"}, ERROR),
        ({"name": "a", "data": "x", "path": "/etc/passwd"}, ERROR),
        ("a.pdf", ERROR),
        (b"x", ERROR),
        ([FILE], ERROR),
    ],
)
@pytest.mark.parametrize("annotation", [FileValue, FileValue | None])
def test_a_file_comes_whole_or_as_name_and_data(annotation: Any, value: Any, expected: Any) -> None:
    assert made_of(value, annotation) == expected


class Early(Fields):
    value: str
    other: str = ""

    @field_validator("value", mode="before")
    @classmethod
    def _value(cls, value: Any) -> Any:
        return value


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (5, Annotated[str, BeforeValidator(str)]),
        ("/a", Path),
        (5, File | None),
        (5, Any),
        ({"value": 5}, Early),
    ],
)
def test_what_reads_values_itself_gets_them_as_they_come(value: Any, annotation: Any) -> None:
    assert made_of(value, annotation) is value or made_of(value, annotation) == value


def test_a_field_beside_one_that_reads_values_itself_is_coerced() -> None:
    assert made_of({"value": 5, "other": 5}, Early) == {"value": 5, "other": "5"}


def test_constraints_do_not_keep_a_field_from_being_coerced() -> None:
    assert made_of("3", Annotated[int, Field(ge=1)]) == 3
    assert made_of(3, Annotated[str, Field(max_length=2)] | None) == "3"


def test_a_field_goes_by_the_name_that_authors_write() -> None:
    model = create_model("Probe", __base__=Fields, else_=(str, Field(default="", alias="else")))

    assert coerced(slots_of(model, UTC), {"else": 5, "else_": 5}) == {"else": "5", "else_": 5}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int | None, None),
        (Any, None),
        (Literal["a", None], None),
        (str, ""),
        (bool, False),
        (bytes, b""),
        (list[int], []),
        (int, ERROR),
        (datetime, ERROR),
        (dict[str, str], ERROR),
    ],
)
def test_erase_is_for_fields_that_may_be_null_and_an_empty_value_elsewhere(
    annotation: Any, expected: Any
) -> None:
    made = made_of(ERASE, annotation)

    assert made is ERASE if expected is None else (made == expected and made is not ERASE)


def test_all_faults_are_told_with_their_paths() -> None:
    model = create_model("Probe", __base__=Fields, sizes=(list[Size], []), tags=(list[int], []))

    with pytest.raises(Misfit) as caught:
        coerced(
            slots_of(model, UTC),
            {"sizes": [{"width": 1}, {"width": "x", "unit": {}}, 5], "tags": ["1", "a", True]},
        )

    assert [(fault.path, fault.wanted, fault.value) for fault in caught.value.faults] == [
        (("sizes", 1, "width"), "a whole number", "x"),
        (("sizes", 1, "unit"), "a text", {}),
        (("sizes", 2), "a collection", 5),
        (("tags", 1), "a whole number", "a"),
        (("tags", 2), "a whole number", True),
    ]
