"""Date functions. Source: Fusion help, "Date and time functions".

Calendar fields (year to second) are taken in the scenario's time zone; results are moments in UTC.
Hours, minutes and seconds are added as time that passes, days and more on the calendar.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from engine.mapping.coercion import milliseconds, to_integer, to_number, to_text, utc
from engine.mapping.functions.date_formats import (
    DAYS,
    MONTHS,
    format_moment,
    number_of_name,
    parse_free,
    parse_moment,
    zone_named,
)
from engine.mapping.functions.function import Function, Needs
from engine.mapping.limits import check_list
from engine.mapping.refusal import Refused
from engine.mapping.world import World

FRIDAY = 4
"""Python counts weekdays from Monday, 0."""
OFFICE_OPENS, OFFICE_CLOSES = time(9), time(17)
UNIT_MILLISECONDS = {
    "millisecond": 1,
    "second": 1_000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}


def zone_of(world: World) -> tzinfo:
    """Return the scenario's time zone. Raises Refused for one that this machine does not know."""
    zone = zone_named(world.timezone)
    if zone is None:
        raise Refused(reason="the scenario's time zone is unknown here")
    return zone


def to_date(value: Any, zone: tzinfo) -> datetime:
    """Return a date, or a text that spells one, in `zone`. Raises Refused."""
    if isinstance(value, datetime):
        return utc(value).astimezone(zone)
    if isinstance(value, str):
        return parse_free(value, zone).astimezone(zone)
    raise Refused("a date", value)


def _passed(unit: str) -> Callable[..., datetime]:
    """Return a function that adds time that passes."""

    def added(world: World, date: Any, amount: Any) -> datetime:
        moment = to_date(date, zone_of(world))
        return utc(moment) + timedelta(**{unit: _amount(amount)})

    return added


def _amount(value: Any) -> float:
    number = to_number(value)
    if not -1e12 < number < 1e12:
        raise Refused("a number of ordinary size", value)
    return number


def _add_days(world: World, date: Any, amount: Any) -> datetime:
    return utc(to_date(date, zone_of(world)) + timedelta(days=_amount(amount)))


def _add_months(world: World, date: Any, amount: Any) -> datetime:
    return utc(_moved(to_date(date, zone_of(world)), to_integer(_amount(amount))))


def _add_years(world: World, date: Any, amount: Any) -> datetime:
    return utc(_moved(to_date(date, zone_of(world)), 12 * to_integer(_amount(amount))))


def _moved(date: datetime, months: int) -> datetime:
    """Move by months on the calendar. Assumed: the day is cut to the last one of the month."""
    count = date.year * 12 + date.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if not 1 <= year <= 9998:
        raise Refused(reason="the date is out of range")
    return date.replace(year=year, month=month, day=min(date.day, _days(year, month)))


def _days(year: int, month: int) -> int:
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return (following - timedelta(days=1)).day


def add_week_days(world: World, date: Any, amount: Any) -> datetime:
    """Move over Mondays to Fridays; from a weekend, as if from the Friday before it (Assumed)."""
    moved, count = to_date(date, zone_of(world)), math.floor(_amount(amount))
    if count == 0:
        return utc(moved)
    step = 1 if count > 0 else -1
    if moved.weekday() > FRIDAY:
        moved += timedelta(days=FRIDAY - moved.weekday() if count > 0 else 7 - moved.weekday())
    weeks, rest = divmod(abs(count), 5)
    moved += timedelta(weeks=weeks * step)
    for _ in range(rest):
        moved += timedelta(days=step)
        while moved.weekday() > FRIDAY:
            moved += timedelta(days=step)
    return utc(moved)


def _placed(field: str) -> Callable[..., datetime]:
    """Return a function that sets the second, minute or hour; out of range rolls over."""

    def placed(world: World, date: Any, amount: Any) -> datetime:
        moment = to_date(date, zone_of(world)).replace(**{field: 0})  # type: ignore[arg-type]
        return utc(moment + timedelta(**{f"{field}s": to_integer(_amount(amount))}))

    return placed


def _set_date(world: World, date: Any, amount: Any) -> datetime:
    first = to_date(date, zone_of(world)).replace(day=1)
    return utc(first + timedelta(days=to_integer(_amount(amount)) - 1))


def set_day(world: World, date: Any, day: Any) -> datetime:
    """Set the day of the week, Sunday 1 to Saturday 7 or by name, within Sunday to Saturday."""
    moment = to_date(date, zone_of(world))
    wanted = _number_or_name(day, DAYS)
    return utc(moment + timedelta(days=wanted - 1 - (moment.weekday() + 1) % 7))


def _set_month(world: World, date: Any, month: Any) -> datetime:
    moment = to_date(date, zone_of(world))
    return utc(_moved(moment, _number_or_name(month, MONTHS) - moment.month))


def _set_year(world: World, date: Any, year: Any) -> datetime:
    moment = to_date(date, zone_of(world))
    return utc(_moved(moment, 12 * (to_integer(_amount(year)) - moment.year)))


def _number_or_name(value: Any, names: tuple[str, ...]) -> int:
    found = number_of_name(value, names) if isinstance(value, str) else None
    return to_integer(_amount(value)) if found is None else found


def format_date(world: World, date: Any, pattern: Any, zone: Any = None) -> str | None:
    """An unknown time zone is ignored, as Fusion does."""
    if date is None:
        return None
    own = zone_of(world)
    shown_in = own if zone is None else zone_named(to_text(zone)) or own
    return format_moment(to_date(date, own).astimezone(shown_in), to_text(pattern))


def _parse_date(world: World, text: Any, pattern: Any = None, zone: Any = None) -> datetime | None:
    if text is None or text == "":
        return None
    own = zone_of(world)
    read_in = own if zone is None else zone_named(to_text(zone)) or own
    if pattern is None:
        return utc(to_date(text, read_in))
    return parse_moment(to_text(text), to_text(pattern), read_in, utc(world.now()))


def difference(world: World, date: Any, other: Any, unit: Any = "milliseconds") -> int:
    """Assumed: whole units, toward zero."""
    zone = zone_of(world)
    first, second = to_date(date, zone), to_date(other, zone)
    name = to_text(unit).removesuffix("s")
    if name in ("month", "quarter", "year"):
        size = {"month": 1, "quarter": 3, "year": 12}[name]
        return int(_months_between(first, second) / size)
    if name not in UNIT_MILLISECONDS:
        raise Refused(f"one of {', '.join(f'{each}s' for each in UNIT_MILLISECONDS)}, months", unit)
    return int((milliseconds(first) - milliseconds(second)) / UNIT_MILLISECONDS[name])


def _months_between(first: datetime, second: datetime) -> int:
    if first < second:
        return -_months_between(second, first)
    count = (first.year - second.year) * 12 + first.month - second.month
    return count - 1 if count and _moved(second, count) > first else count


def _part(read: Callable[[datetime], Any]) -> Callable[..., Any]:
    """Return a function that reads something of a date in the scenario's zone; null of null."""

    def part(world: World, date: Any) -> Any:
        return None if date is None else read(to_date(date, zone_of(world)))

    return part


def _midnight(date: datetime) -> datetime:
    return date.replace(hour=0, minute=0, second=0, microsecond=0)


def _end_of_month(date: datetime) -> datetime:
    last = date.replace(day=_days(date.year, date.month))
    return utc(last.replace(hour=23, minute=59, second=59, microsecond=999_000))


def _days_in_year(date: datetime) -> int:
    return 365 if _days(date.year, 2) == 28 else 366


def _days_in_split_week(date: datetime) -> int:
    """Count weekdays from a date to Friday or the end of its month, both included."""
    left = min(FRIDAY - date.weekday(), _days(date.year, date.month) - date.day) + 1
    return max(left, 0)


def _latest(choose: Callable[..., datetime]) -> Callable[..., datetime | None]:
    def chosen(world: World, *dates: Any) -> datetime | None:
        values = dates[0] if len(dates) == 1 and isinstance(dates[0], list) else dates
        check_list(len(values))
        zone = zone_of(world)
        return choose((utc(to_date(each, zone)) for each in values), default=None)

    return chosen


def week_day_difference(world: World, later: Any, earlier: Any) -> float:
    """Count weekdays between two moments, with fractions of a day."""
    zone = zone_of(world)
    end, start = to_date(later, zone), to_date(earlier, zone)
    if end < start:
        return -week_day_difference(world, earlier, later)
    return _week_time(end) - _week_time(start)


def _week_time(moment: datetime) -> float:
    """Return weekdays since a Monday long ago, with the fraction of the current one."""
    weeks, day = divmod(moment.date().toordinal() - 1, 7)
    if day > FRIDAY:
        return weeks * 5 + 5
    passed = moment.replace(tzinfo=None) - _midnight(moment).replace(tzinfo=None)
    return weeks * 5 + day + passed / timedelta(days=1)


def work_minutes(world: World, start: Any, end: Any) -> float:
    """Count minutes between two moments on Monday to Friday from 9 to 17."""
    zone = zone_of(world)
    first, second = to_date(start, zone), to_date(end, zone)
    minutes = _office_minutes(second) - _office_minutes(first)
    return int(minutes) if minutes == int(minutes) else minutes


def _office_minutes(moment: datetime) -> float:
    weeks, day = divmod(moment.date().toordinal() - 1, 7)
    whole = weeks * 5 + min(day, 5)
    if day > FRIDAY:
        return whole * 480.0
    clock = min(max(moment.time(), OFFICE_OPENS), OFFICE_CLOSES)
    seconds = (clock.hour - 9) * 3600 + clock.minute * 60 + clock.second
    return whole * 480 + seconds / 60


def _world(name: str, parameters: str, doc: str, example: str, call: Any) -> Function:
    return Function(name, parameters, doc, example, call, Needs.WORLD)


DATES = (
    *(
        _world(f"add{unit.capitalize()}", "date, number", f"The date moved by {unit}.",
               f"add{unit.capitalize()}(now, 2)", call)
        for unit, call in (
            ("seconds", _passed("seconds")), ("minutes", _passed("minutes")),
            ("hours", _passed("hours")), ("days", _add_days), ("months", _add_months),
            ("years", _add_years),
        )
    ),
    _world("addWeekDays", "date, number", "The date moved by days, weekends skipped.",
           "addWeekDays(now, 2)", add_week_days),
    _world("setSecond", "date, number", "The date with another second.", "setSecond(now, 0)",
           _placed("second")),
    _world("setMinute", "date, number", "The date with another minute.", "setMinute(now, 0)",
           _placed("minute")),
    _world("setHour", "date, number", "The date with another hour.", "setHour(now, 8)",
           _placed("hour")),
    _world("setDate", "date, number", "The date with another day of the month.",
           "setDate(now, 1)", _set_date),
    _world("setDay", "date, day", "The date with another day of its week, Sunday 1, or a name.",
           'setDay(now, "monday")', set_day),
    _world("setMonth", "date, month", "The date with another month, a number or a name.",
           'setMonth(now, "may")', _set_month),
    _world("setYear", "date, number", "The date with another year.", "setYear(now, 2030)",
           _set_year),
    _world("formatDate", "date, format, [timezone]", "The date as text.",
           'formatDate(now, "DD.MM.YYYY HH:mm")', format_date),
    _world("parseDate", "text, [format], [timezone]", "A text as a date.",
           'parseDate("24.12.2030", "DD.MM.YYYY")', _parse_date),
    _world("dateDifference", "date, other, [unit]",
           "The first date less the second in whole units, milliseconds by default.",
           'dateDifference(now, order.date, "days")', difference),
    _world("year", "date", "The year.", "year(now)", _part(lambda date: date.year)),
    _world("month", "date", "The month, 1 to 12.", "month(now)", _part(lambda date: date.month)),
    _world("dayOfMonth", "date", "The day of the month.", "dayOfMonth(now)",
           _part(lambda date: date.day)),
    _world("dayOfWeek", "date", "The day of the week, Sunday 1.", "dayOfWeek(now)",
           _part(lambda date: (date.weekday() + 1) % 7 + 1)),
    _world("hour", "date", "The hour, 0 to 23.", "hour(now)", _part(lambda date: date.hour)),
    _world("minute", "date", "The minute.", "minute(now)", _part(lambda date: date.minute)),
    _world("second", "date", "The second.", "second(now)", _part(lambda date: date.second)),
    _world("daysInMonth", "date", "How many days the month has.", "daysInMonth(now)",
           _part(lambda date: _days(date.year, date.month))),
    _world("daysInYear", "date", "How many days the year has.", "daysInYear(now)",
           _part(_days_in_year)),
    _world("startOfMonth", "date", "The month's first moment.", "startOfMonth(now)",
           _part(lambda date: utc(_midnight(date.replace(day=1))))),
    _world("endOfMonth", "date", "The month's last millisecond.", "endOfMonth(now)",
           _part(_end_of_month)),
    _world("isWeekend", "date", "True on Saturday and Sunday.", "isWeekend(now)",
           _part(lambda date: date.weekday() > FRIDAY)),
    _world("daysInSplitWeek", "date", "Weekdays up to Friday or the month's end, this one too.",
           "daysInSplitWeek(now)", _part(_days_in_split_week)),
    _world("dateMax", "date…", "The latest of dates, or of an array; null of none.",
           "dateMax(now, order.date)", _latest(max)),
    _world("dateMin", "date…", "The earliest of dates, or of an array; null of none.",
           "dateMin(now, order.date)", _latest(min)),
    _world("weekDayDiff", "later, earlier", "Weekdays between two dates, with fractions.",
           "weekDayDiff(now, order.date)", week_day_difference),
    _world("workMinutesDiff", "start, end", "Minutes between two dates, Mon-Fri from 9 to 17.",
           "workMinutesDiff(order.date, now)", work_minutes),
)  # fmt: skip
