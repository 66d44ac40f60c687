from datetime import UTC, datetime
from typing import Any

import pytest
from mapping_cases import result

from engine.errors import ExpressionError, MappingError
from engine.mapping.functions import FAMILIES

MOMENT = datetime(2016, 6, 20, 17, 26, 44, 356_000, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ROWS: list[tuple[str, Any]] = [
    ("addSeconds(d, 30)", utc("2016-06-20T17:27:14.356")),
    ("addMinutes(d, -27)", utc("2016-06-20T16:59:44.356")),
    ("addHours(d, 1.5)", utc("2016-06-20T18:56:44.356")),
    ("addDays(d, 11)", utc("2016-07-01T17:26:44.356")),
    ("addMonths('2016-08-08', 2)", utc("2016-10-08")),
    ("addMonths('2016-01-31', 1)", utc("2016-02-29")),
    ("addYears('2016-12-08', -2)", utc("2014-12-08")),
    ("addYears('2016-02-29', 1)", utc("2017-02-28")),
    ("addWeekDays('2016-12-08', 2)", utc("2016-12-12")),
    ("addWeekDays('2016-12-12', -1)", utc("2016-12-09")),
    ("addWeekDays('2016-12-10', 1)", utc("2016-12-12")),
    ("addWeekDays('2016-12-08', 5.9)", utc("2016-12-15")),
    ("setSecond('2015-08-07T11:36:39', 10)", utc("2015-08-07T11:36:10")),
    ("setMinute('2015-08-07T11:36:39', 60)", utc("2015-08-07T12:00:39")),
    ("setHour('2015-08-07T11:36:00Z', -6)", utc("2015-08-06T18:36")),
    ("setDate('2015-08-07', 32)", utc("2015-09-01")),
    ("setDay('2018-06-27', 1)", utc("2018-06-24")),
    ("setDay('2018-06-27', 'monday')", utc("2018-06-25")),
    ("setDay('2018-06-27', 8)", utc("2018-07-01")),
    ("setMonth('2015-08-07', 17)", utc("2016-05-07")),
    ("setMonth('2015-08-31', 'feb')", utc("2015-02-28")),
    ("setYear('2015-08-07', 2030)", utc("2030-08-07")),
    ("formatDate('2018-10-01T07:32Z', 'DD.MM.YYYY HH:mm', 'UTC')", "01.10.2018 07:32"),
    ("formatDate(d, 'HH:mm', 'Europe/Prague')", "19:26"),
    ("formatDate(d, 'HH:mm', 'Nowhere/Land')", "17:26"),
    ("formatDate(none, 'HH')", None),
    ("parseDate('1482940986', 'X')", utc("2016-12-28T16:03:06")),
    ("parseDate(1482940986, 'X')", utc("2016-12-28T16:03:06")),
    ("parseDate('2016-12-28', 'YYYY-MM-DD')", utc("2016-12-28")),
    ("parseDate('2016-12-28 16:03', 'YYYY-MM-DD HH:mm', 'Europe/Prague')",
     utc("2016-12-28T15:03")),
    ("parseDate('2016-12-28T16:03:06Z')", utc("2016-12-28T16:03:06")),
    ("parseDate('', 'X')", None),
    ("dateDifference('2026-01-01T00:10:00', '2026-01-01')", 600_000),
    ("dateDifference('2016-02-29', '2016-01-29', 'months')", 1),
    ("dateDifference('2016-02-28', '2016-01-29', 'months')", 0),
    ("dateDifference('2016-01-29', '2017-01-28', 'months')", -11),
    ("dateDifference('2016-01-01', '2016-01-02T12:00', 'days')", -1),
    ("year(d)", 2016),
    ("month(d)", 6),
    ("dayOfMonth(d)", 20),
    ("dayOfWeek('2016-12-28')", 4),
    ("hour(d)", 17),
    ("minute(d)", 26),
    ("second(d)", 44),
    ("second(none)", None),
    ("daysInMonth('2016-02-11')", 29),
    ("daysInYear('2015-02-11')", 365),
    ("startOfMonth(d)", utc("2016-06-01")),
    ("endOfMonth('2016-12-05')", utc("2016-12-31T23:59:59.999")),
    ("isWeekend('2016-12-10')", True),
    ("isWeekend('2016-12-09')", False),
    ("daysInSplitWeek('2016-12-28')", 3),
    ("daysInSplitWeek('2016-01-25')", 5),
    ("daysInSplitWeek('2016-12-10')", 0),
    ("dateMax('2016-01-01', d, '2015-01-01')", MOMENT),
    ("dateMin(['2016-01-01', d])", utc("2016-01-01")),
    ("dateMin([])", None),
    ("weekDayDiff('2016-12-07T12:00', '2016-12-05T00:00')", 2.5),
    ("weekDayDiff('2016-12-12', '2016-12-09')", 1.0),
    ("weekDayDiff('2016-12-05', '2016-12-06')", -1.0),
    ("workMinutesDiff('2016-12-05', '2016-12-07')", 960),
    ("workMinutesDiff('2016-12-09T16:30', '2016-12-12T09:15')", 45),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), ROWS)
def test_a_date_function_gives_its_result(expression: str, expected: Any) -> None:
    found = result(expression, d=MOMENT)
    assert found == expected
    assert type(found) is type(expected)


def test_every_date_function_has_a_row_of_its_own() -> None:
    rows = " ".join(expression for expression, _ in ROWS)
    assert [f.name for f in FAMILIES["dates"] if f"{f.name}(" not in rows] == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("YY YYYY Y", "16 2016 2016"),
        ("Q Qo M Mo MM MMM MMMM", "2 2nd 6 6th 06 Jun June"),
        ("D Do DD DDD DDDo DDDD", "20 20th 20 172 172nd 172"),
        ("d do dd ddd dddd E", "1 1st Mo Mon Monday 1"),
        ("w wo ww W Wo WW gg gggg GG GGGG", "26 26th 26 25 25th 25 16 2016 16 2016"),
        ("H HH h hh k kk A a", "17 17 5 05 17 17 PM pm"),
        ("m mm s ss S SS SSS SSSS", "26 26 44 44 3 35 356 3560"),
        ("Z ZZ X x", "+00:00 +0000 1466443604 1466443604356"),
        ("[at] H[h]", "at 17h"),
        ("YYYY-MM-DD'T'HH", "2016-06-20'T'17"),
    ],
)
def test_format_tokens(pattern: str, expected: str) -> None:
    assert result("formatDate(d, p)", d=MOMENT, p=pattern) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2016-01-01", "1 53 2015"), ("2016-01-03", "2 53 2015"), ("2017-12-31", "1 52 2017")],
)
def test_weeks_at_the_turn_of_the_year(day: str, expected: str) -> None:
    assert result("formatDate(day, 'w W GGGG')", day=day) == expected


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("Dec 24 2030 4:05 pm", "MMM DD YYYY h:mm a", "2030-12-24T16:05"),
        ("24. december 2030", "D. MMMM YYYY", "2030-12-24"),
        ("12 am", "h a", "2026-03-05T00:00"),
        ("2016-W26-3", "GGGG-[W]WW-E", "2016-06-29"),
        ("2016 172", "YYYY DDD", "2016-06-20"),
        ("69", "YY", "1969-01-01"),
        ("68", "YY", "2068-01-01"),
        ("10:30", "HH:mm", "2026-03-05T10:30"),
        ("Feb", "MMM", "2026-02-01"),
        ("2016-06-20T19:26:44.5+02:00", "YYYY-MM-DDTHH:mm:ss.SZ", "2016-06-20T17:26:44.500"),
        ("1466443604356", "x", "2016-06-20T17:26:44.356"),
        ("1466443604.5", "X", "2016-06-20T17:26:44.500"),
        ("Mon 20th 6 2016", "ddd Do M YYYY", "2016-06-20"),
        ("24:00 2016-06-20", "kk:mm YYYY-MM-DD", "2016-06-21"),
    ],
)
def test_parse_tokens(text: str, pattern: str, expected: str) -> None:
    literal = pattern.replace("DDTHH", "DD[T]HH")
    assert result("parseDate(t, p)", t=text, p=literal) == utc(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-06-20T17:26:44.356Z", "2016-06-20T17:26:44.356"),
        ("2016-06-20 19:26:44 GMT+02:00", "2016-06-20T17:26:44"),
        ("2016-06-20 19:26+0200", "2016-06-20T17:26"),
        ("2016-06-20 17:26:44", "2016-06-20T17:26:44"),
        ("2016-06-20", "2016-06-20"),
        ("2016/06/20", "2016-06-20"),
        ("2016/06/20 5:26 PM", "2016-06-20T17:26"),
        ("06/20/2016 17:26:44", "2016-06-20T17:26:44"),
        ("06/20/2016 5:26 PM", "2016-06-20T17:26"),
        ("20.6.2016 17:26:44", "2016-06-20T17:26:44"),
        ("20.6.2016", "2016-06-20"),
    ],
)
def test_the_texts_that_coercion_accepts_as_dates(text: str, expected: str) -> None:
    assert result("addDays(t, 0)", t=text) == utc(expected)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2016-13-01", "2016-02-30", "2016", "25:00", "2016-06-20 29:00", "9" * 999, "1/2"],
)
def test_a_text_that_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(MappingError, match="`addDays` needs a date"):
        result("addDays(t, 0)", t=text)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("addDays(5, 1)", "`addDays` needs a date, but got the number 5"),
        ("addDays(x.due, 1)", "`addDays` needs a date, but `x.due` is null"),
        ("addDays(now, 1e11)", "`addDays`: cannot work with"),
        ("addYears(now, 99999)", "`addYears`: the date is out of range"),
        ("addHours(now, 1e300)", "`addHours` needs a number of ordinary size"),
        ("parseDate('x', 'YYYY')", '`parseDate` needs a date like "YYYY"'),
        ("parseDate('2', 'Qo')", "`parseDate`: `Qo` cannot be read"),
        ("parseDate('2016-02-30', 'YYYY-MM-DD')", '`parseDate` needs a date like "YYYY-MM-DD"'),
        ("dateDifference(now, now, 'eons')", "`dateDifference` needs one of milliseconds"),
        ("formatDate(now, long)", "`formatDate`: a date format is at most 200"),
    ],
)
def test_a_date_function_says_what_it_cannot_take(expression: str, message: str) -> None:
    with pytest.raises((ExpressionError, MappingError)) as caught:
        result(expression, x={}, long="Y" * 201)
    assert caught.value.message.startswith(message)


def test_calendar_fields_are_taken_in_the_zone_of_the_scenario() -> None:
    assert result("hour(d)", "Europe/Prague", d=MOMENT) == 19
    assert result("formatDate(d, 'HH:mm Z')", "Europe/Prague", d=MOMENT) == "19:26 +02:00"
    assert result("startOfMonth(d)", "Europe/Prague", d=MOMENT) == utc("2016-05-31T22:00")


def test_days_keep_the_clock_and_hours_pass_over_a_change_of_the_clock() -> None:
    before = utc("2016-03-26T11:00")
    assert result("addDays(d, 1)", "Europe/Prague", d=before) == utc("2016-03-27T10:00")
    assert result("addHours(d, 24)", "Europe/Prague", d=before) == utc("2016-03-27T11:00")


def test_an_unknown_zone_of_the_scenario_is_an_error() -> None:
    with pytest.raises(MappingError, match="time zone is unknown"):
        result("hour(d)", "Mars/Phobos", d=MOMENT)
