"""Dates as text: Fusion's format tokens, written and read.

Source: Fusion help, "Tokens for date and time formatting" and "… parsing". Weeks of `w` and `gg`
start on Sunday, and the first one holds January 1 (Assumed, as in American English); `W`, `E` and
`GG` are ISO 8601.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.mapping.coercion import escaped, milliseconds
from engine.mapping.refusal import Refused

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
          "october", "november", "december")  # fmt: skip
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
PATTERN_LIMIT = 200
"""Characters of a format."""
TEXT_LENGTH = 200
"""Characters of a text that is read as a date."""

TOKEN = re.compile(
    r"\[(?P<literal>[^\]]*)\]|YYYY|YY|Y|Qo|Q|MMMM|MMM|MM|Mo|M|DDDD|DDDo|DDD|DD|Do|D|dddd|ddd|dd|do|d"
    r"|E|wo|ww|w|Wo|WW|W|gggg|gg|GGGG|GG|HH|H|hh|h|kk|k|A|a|mm|m|ss|s|S{1,9}|ZZ|Z|X|x|."
    , re.DOTALL,
)  # fmt: skip


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo | None:
    """Return a time zone of the tz database; None if there is none of this name."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def number_of_name(text: str, names: tuple[str, ...]) -> int | None:
    """Return the number, from 1, of a month or day by its name or first three letters or more."""
    word = text.strip().lower()
    found = [at for at, name in enumerate(names, 1) if len(word) > 2 and name.startswith(word)]
    return found[0] if found else None


@lru_cache(maxsize=256)
def _tokens(pattern: str) -> tuple[tuple[str, bool], ...]:
    """Cut a format into tokens and literals; the flag tells a token."""
    if len(pattern) > PATTERN_LIMIT:
        raise Refused(reason=f"a date format is at most {PATTERN_LIMIT} characters long")
    return tuple(
        (match["literal"], False)
        if match["literal"] is not None
        else (match.group(), match.group() in WRITERS)
        for match in TOKEN.finditer(pattern)
    )


def format_moment(moment: datetime, pattern: str) -> str:
    """Write a moment in its own time zone. Raises Refused for a format that is too long."""
    return "".join(WRITERS[token](moment) if known else token for token, known in _tokens(pattern))


def _ordinal(number: int) -> str:
    tens = 10 <= number % 100 <= 20
    return f"{number}{'th' if tens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _weekday(moment: datetime) -> int:
    return (moment.weekday() + 1) % 7


def _local_week(moment: datetime) -> tuple[int, int]:
    """Return year and number of the week that starts on Sunday."""
    saturday = moment.date() + timedelta(days=6 - _weekday(moment))
    first = date(saturday.year, 1, 1)
    return saturday.year, (saturday - first).days // 7 + 1


def _offset(moment: datetime, colon: str) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{colon}{rest:02d}"


def _fraction(digits: int) -> Callable[[datetime], str]:
    return lambda moment: f"{moment.microsecond:06d}000"[:digits]


def _day_of_year(moment: datetime) -> int:
    return moment.timetuple().tm_yday


def _half_day(moment: datetime) -> int:
    return moment.hour % 12 or 12


WRITERS: Mapping[str, Callable[[datetime], str]] = {
    "YYYY": lambda m: f"{m.year:04d}",
    "YY": lambda m: f"{m.year % 100:02d}",
    "Y": lambda m: str(m.year),
    "Q": lambda m: str((m.month + 2) // 3),
    "Qo": lambda m: _ordinal((m.month + 2) // 3),
    "M": lambda m: str(m.month),
    "Mo": lambda m: _ordinal(m.month),
    "MM": lambda m: f"{m.month:02d}",
    "MMM": lambda m: MONTHS[m.month - 1][:3].capitalize(),
    "MMMM": lambda m: MONTHS[m.month - 1].capitalize(),
    "D": lambda m: str(m.day),
    "Do": lambda m: _ordinal(m.day),
    "DD": lambda m: f"{m.day:02d}",
    "DDD": lambda m: str(_day_of_year(m)),
    "DDDo": lambda m: _ordinal(_day_of_year(m)),
    "DDDD": lambda m: f"{_day_of_year(m):03d}",
    "d": lambda m: str(_weekday(m)),
    "do": lambda m: _ordinal(_weekday(m)),
    "dd": lambda m: DAYS[_weekday(m)][:2].capitalize(),
    "ddd": lambda m: DAYS[_weekday(m)][:3].capitalize(),
    "dddd": lambda m: DAYS[_weekday(m)].capitalize(),
    "E": lambda m: str(m.isoweekday()),
    "w": lambda m: str(_local_week(m)[1]),
    "wo": lambda m: _ordinal(_local_week(m)[1]),
    "ww": lambda m: f"{_local_week(m)[1]:02d}",
    "W": lambda m: str(m.isocalendar().week),
    "Wo": lambda m: _ordinal(m.isocalendar().week),
    "WW": lambda m: f"{m.isocalendar().week:02d}",
    "gg": lambda m: f"{_local_week(m)[0] % 100:02d}",
    "gggg": lambda m: f"{_local_week(m)[0]:04d}",
    "GG": lambda m: f"{m.isocalendar().year % 100:02d}",
    "GGGG": lambda m: f"{m.isocalendar().year:04d}",
    "H": lambda m: str(m.hour),
    "HH": lambda m: f"{m.hour:02d}",
    "h": lambda m: str(_half_day(m)),
    "hh": lambda m: f"{_half_day(m):02d}",
    "k": lambda m: str(m.hour or 24),
    "kk": lambda m: f"{m.hour or 24:02d}",
    "A": lambda m: "AM" if m.hour < 12 else "PM",
    "a": lambda m: "am" if m.hour < 12 else "pm",
    "m": lambda m: str(m.minute),
    "mm": lambda m: f"{m.minute:02d}",
    "s": lambda m: str(m.second),
    "ss": lambda m: f"{m.second:02d}",
    **{"S" * digits: _fraction(digits) for digits in range(1, 10)},
    "Z": lambda m: _offset(m, ":"),
    "ZZ": lambda m: _offset(m, ""),
    "X": lambda m: str(milliseconds(m) // 1000),
    "x": lambda m: str(milliseconds(m)),
}
"""How a moment is written for each token."""


def _names(names: tuple[str, ...]) -> str:
    """Return what reads a name, cut to three letters or more; the longest reading comes first."""
    spelled = {name[:size] for name in names for size in range(3, len(name) + 1)}
    return f"({'|'.join(sorted(spelled, key=len, reverse=True))})"


READERS: Mapping[str, str] = {
    "YYYY": r"(\d{4})", "YY": r"(\d{2})", "Y": r"(\d{1,4})", "Q": r"([1-4])",
    "M": r"(\d{1,2})", "MM": r"(\d{1,2})", "MMM": _names(MONTHS), "MMMM": _names(MONTHS),
    "D": r"(\d{1,2})", "DD": r"(\d{1,2})", "Do": r"(\d{1,2})(?:st|nd|rd|th)",
    "DDD": r"(\d{1,3})", "DDDD": r"(\d{3})", "ddd": _names(DAYS), "dddd": _names(DAYS),
    "GGGG": r"(\d{4})", "GG": r"(\d{2})", "W": r"(\d{1,2})", "WW": r"(\d{1,2})", "E": r"([1-7])",
    "H": r"(\d{1,2})", "HH": r"(\d{1,2})", "h": r"(\d{1,2})", "hh": r"(\d{1,2})",
    "k": r"(\d{1,2})", "kk": r"(\d{1,2})", "a": r"([AaPp][Mm]?)", "A": r"([AaPp][Mm]?)",
    "m": r"(\d{1,2})", "mm": r"(\d{1,2})", "s": r"(\d{1,2})", "ss": r"(\d{1,2})",
    **{"S" * digits: rf"(\d{{1,{max(digits, 3)}}})" for digits in range(1, 10)},
    "Z": r"(Z|[+-]\d{2}:?\d{2})", "ZZ": r"(Z|[+-]\d{2}:?\d{2})",
    "X": r"([+-]?\d{1,12}(?:\.\d{1,9})?)", "x": r"([+-]?\d{1,15})",
}  # fmt: skip
"""What each token reads."""


SPACE = r"\s{1,9}+"
"""White space, however much of it the format has at one place."""


@lru_cache(maxsize=256)
def _reader(pattern: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return the expression that reads a format, and the token of each of its groups.

    A token reads as much as it can and gives nothing back, so no text takes long.
    """
    expression, names = [], []
    for token, known in _tokens(pattern):
        if known and token not in READERS:
            raise Refused(reason=f"`{token}` cannot be read, only written")
        if known:
            names.append(token)
            expression.append(f"(?>{READERS[token]})")
        elif not token.isspace():
            expression.append(re.escape(token))
        elif expression[-1:] != [SPACE]:
            expression.append(SPACE)
    return re.compile("".join(expression), re.IGNORECASE), tuple(names)


def parse_moment(text: str, pattern: str, zone: tzinfo, now: datetime) -> datetime:
    """Read a text by a format, in `zone` unless the text has an offset; return it in UTC.

    What is missing above the largest field given is taken from `now`, below it is the smallest.
    Raises Refused.
    """
    expression, names = _reader(pattern)
    match = expression.fullmatch(text.strip()) if len(text) <= TEXT_LENGTH else None
    if match is None:
        raise Refused(f'a date like "{escaped(pattern)}"', text)
    found = _Fields()
    try:
        for name, part in zip(names, match.groups(), strict=True):
            found.take(name, part)
        return found.moment(zone, now.astimezone(zone))
    except (ValueError, OverflowError):
        raise Refused(f'a date like "{escaped(pattern)}"', text) from None


@dataclass(slots=True)
class _Fields:
    """What was read: numbers by unit (`Y Q M D H m s`), and what stands for more than one."""

    units: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    offset: tzinfo | None = None
    afternoon: bool | None = None
    fraction: str = ""

    def take(self, token: str, text: str) -> None:
        unit = token[0]
        if unit in "Xx":
            self.seconds = float(text) / (1000 if unit == "x" else 1)
        elif unit == "Z":
            self.offset = _read_offset(text)
        elif unit in "Aa":
            self.afternoon = text[0] in "Pp"
        elif unit == "S":
            self.fraction = text
        elif token in ("MMM", "MMMM", "ddd", "dddd"):
            self._take_name(unit, text)
        elif token in ("YY", "GG"):
            self.units[unit] = int(text) + (1900 if int(text) > 68 else 2000)
        else:
            unit = {"h": "H", "k": "H"}.get(unit, unit)
            self.units["J" if token.startswith("DDD") else unit] = int(text)

    def _take_name(self, unit: str, text: str) -> None:
        number = number_of_name(text, MONTHS if unit == "M" else DAYS)
        if number is None:
            raise ValueError(text)
        if unit == "M":
            self.units["M"] = number

    def moment(self, zone: tzinfo, now: datetime) -> datetime:
        """Return the moment in UTC. Raises ValueError for a date that does not exist."""
        if self.seconds is not None:
            whole = datetime.fromtimestamp(0, UTC) + timedelta(seconds=self.seconds)
            return whole.replace(microsecond=whole.microsecond // 1000 * 1000)
        day = self._day(now)
        hour = self.units.get("H", 0)
        if self.afternoon is not None:
            hour = hour % 12 + (12 if self.afternoon else 0)
        local = datetime(day.year, day.month, day.day, tzinfo=self.offset or zone)
        micro = int(f"{self.fraction:0<6}"[:6])
        local = local.replace(hour=0 if hour == 24 else hour, minute=self.units.get("m", 0))
        local = local.replace(second=self.units.get("s", 0), microsecond=micro)
        return (local + timedelta(days=hour == 24)).astimezone(UTC)

    def _day(self, now: datetime) -> date:
        units = self.units
        if "G" in units or "W" in units:
            year = units.get("G", now.isocalendar().year)
            return date.fromisocalendar(year, units.get("W", 1), units.get("E", 1))
        year = units.get("Y", now.year)
        if "J" in units:
            first = date(year, 1, 1)
            found = first + timedelta(days=units["J"] - 1)
            if found.year != year:
                raise ValueError(year)
            return found
        month = units.get("M", units["Q"] * 3 - 2 if "Q" in units else None)
        if month is None:
            month = 1 if "Y" in units else now.month
        plain = "Y" in units or "M" in units or "Q" in units
        return date(year, month, units.get("D", 1 if plain else now.day))


def _read_offset(text: str) -> tzinfo:
    if text in "Zz":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


FREE = re.compile(
    r"(?:(?P<Y>\d{4})[-/](?P<M>\d{1,2})[-/](?P<D>\d{1,2})"
    r"|(?P<M2>\d{1,2})/(?P<D2>\d{1,2})/(?P<Y2>\d{4})"
    r"|(?P<D3>\d{1,2})\.\s?(?P<M3>\d{1,2})\.\s?(?P<Y3>\d{4}))"
    r"(?:[T ]\s{0,3}(?P<H>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<S>\d{1,9}))?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r"\s{0,3}(?:GMT|UTC)?\s?(?P<Z>Z|[+-]\d{2}:?\d{2})?(?:GMT|UTC)?"
)
"""The forms of a date that coercion accepts. Source: Fusion help, "Type coercion", Date."""


def parse_free(text: str, zone: tzinfo) -> datetime:
    """Read a text in any form that Fusion's coercion accepts; return it in UTC. Raises Refused."""
    match = FREE.fullmatch(text.strip()) if len(text) <= TEXT_LENGTH else None
    if match is None:
        raise Refused("a date", text)
    try:
        return _free_moment(match, zone)
    except (ValueError, OverflowError):
        raise Refused("a date", text) from None


def _free_moment(match: re.Match[str], zone: tzinfo) -> datetime:
    """Return the moment in UTC. Raises ValueError for a date that does not exist."""
    year, month, day = match.group("Y", "M", "D")
    if year is None:
        month, day, year = match.group("M2", "D2", "Y2")
    if year is None:
        day, month, year = match.group("D3", "M3", "Y3")
    hours, minutes, seconds, fraction, half, offset = match.group("H", "m", "s", "S", "half", "Z")
    hour = int(hours or 0)
    if half is not None:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    if offset is None and match.string.rstrip().endswith(("GMT", "UTC")):
        offset = "Z"
    local = datetime(
        int(year), int(month), int(day), 0 if hour == 24 else hour, int(minutes or 0),
        int(seconds or 0), int(f"{fraction or '':0<6}"[:6]),
        _read_offset(offset) if offset else zone,
    )  # fmt: skip
    return (local + timedelta(days=1) if hour == 24 else local).astimezone(UTC)
