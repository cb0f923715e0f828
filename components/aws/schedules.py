"""Checks of the schedules of Application Auto Scaling, by the rules of AWS. Pure.

Source: docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html, and botocore 1.44.5,
application-autoscaling PutScheduledAction.Schedule.
"""

import calendar
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_FORM = re.compile(r"(?P<kind>at|rate|cron)\((?P<inside>[^()]*)\)")
_RATE = re.compile(r"1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minute|hour|day)s")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS: Mapping[str, int] = dict(
    zip(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), range(1, 8), strict=True)
)
# Month -> its longest days; of February in a leap year.
_LONGEST: Mapping[int, int] = {month: calendar.monthrange(2028, month)[1] for month in range(1, 13)}
ALLOWED = (
    "allowed are cron(<minutes> <hours> <day of month> <month> <day of week> <year>), such as "
    "cron(0 8 ? * MON-FRI *), rate(5 minutes) and at(2027-01-31T08:00:00)"
)


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a cron expression. special: further forms of a single value, such as `L`."""

    name: str
    low: int
    high: int
    names: Mapping[str, int]
    special: re.Pattern[str] | None = None


_FIELDS = (
    _Field("minutes", 0, 59, {}),
    _Field("hours", 0, 23, {}),
    _Field("day of month", 1, 31, {}, re.compile(r"L|LW|([1-9]|[12][0-9]|3[01])W")),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS, re.compile(r"L|[1-7]L|[1-7]#[1-5]|[A-Z]{3}L|[A-Z]{3}#[1-5]")),
    _Field("year", 1970, 2199, {}),
)


def schedule_faults(schedule: str) -> Iterator[str]:
    """Yield why AWS would refuse a schedule, at whatever time it is submitted; nothing if it is valid."""
    found = _FORM.fullmatch(schedule)
    if found is None:
        yield ALLOWED
    elif found["kind"] == "cron":
        yield from _cron_faults(found["inside"])
    elif found["kind"] == "rate":
        if not _RATE.fullmatch(found["inside"]):
            yield "allowed is a rate such as rate(1 hour) or rate(5 minutes)"
    elif _time(found["inside"]) is None:
        yield "allowed is a date and time that exists, such as at(2027-01-31T08:00:00)"


def has_passed(schedule: str, timezone: str, now: datetime | None = None) -> bool:
    """Return whether the schedule is an `at` in the past, which AWS no longer accepts, or of past years.

    timezone: a name of the tz database. now: with its own zone; by default the machine's time.
    """
    found, today = _FORM.fullmatch(schedule), now or datetime.now(UTC)
    if found and found["kind"] == "cron":
        years = _values(_FIELDS[5], found["inside"].split()[-1]) if found["inside"].split() else set[int]()
        return bool(years) and max(years) < today.astimezone(ZoneInfo(timezone)).year
    time = _time(found["inside"]) if found and found["kind"] == "at" else None
    return time is not None and time.replace(tzinfo=ZoneInfo(timezone)) <= today


def times_in(schedule: str, timezone: str, year: int) -> list[datetime] | None:
    """List when a valid cron expression fires in a year, in UTC.

    None for what has no place in every year (at, a year) or too many (rate), and for L, W and #.
    """
    found = _FORM.fullmatch(schedule)
    fields = found["inside"].upper().split() if found and found["kind"] == "cron" else []
    if (
        len(fields) != len(_FIELDS)
        or fields[5] != "*"
        or re.search(r"#|[LW](,|$)", f"{fields[2]},{fields[4]}")
    ):
        return None
    minutes, hours, days, months, weekdays = map(_numbers, _FIELDS, fields[:5])
    zone, first = ZoneInfo(timezone), date(year, 1, 1)
    every = (first + timedelta(days=count) for count in range(366))
    fitting = [
        day
        for day in every
        if day.year == year
        and day.day in days
        and day.month in months
        and day.isoweekday() % 7 + 1 in weekdays
    ]
    return [
        datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
        for day, hour, minute in itertools.product(fitting, hours, minutes)
    ]


def _numbers(field: _Field, value: str) -> list[int]:
    """List the numbers that a field of a valid cron expression stands for."""
    found: set[int] = set()
    for part in value.split(","):
        whole, slash, step = part.partition("/")
        low, dash, high = whole.partition("-")
        first = field.low if low in ("*", "?") else _number(field, low) or 0
        last = field.high if low in ("*", "?") or (slash and not dash) else first
        last = _number(field, high) or 0 if dash else last
        wrapped = last if first <= last else field.high
        found.update(range(first, wrapped + 1, int(step or 1)))
        if first > last:  # FRI-MON
            found.update(range(field.low, last + 1))
    return sorted(found)


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None


def _cron_faults(text: str) -> Iterator[str]:
    values = text.split()
    if len(values) != len(_FIELDS):
        yield ALLOWED
        return
    wrong = [
        (field, value) for field, value in zip(_FIELDS, values, strict=True) if not _is_field(field, value)
    ]
    for field, value in wrong:
        yield f"its field <{field.name}> is {value!r}; allowed are {_allowed(field)}"
    if (values[2] == "?") is (values[4] == "?"):
        yield "of <day of month> and <day of week> exactly one must be `?`"
    elif not wrong and not _has_date(values[2], values[3]):
        yield f"no month of <month> {values[3]} has the <day of month> {values[2]}"


def _has_date(days: str, months: str) -> bool:
    """Return whether one of the days is in one of the months; true where a field is no list of numbers."""
    day, month = (_values(field, text) for field, text in ((_FIELDS[2], days), (_FIELDS[3], months)))
    return not (day and month) or any(min(day) <= _LONGEST[each] for each in month)


def _values(field: _Field, text: str) -> set[int]:
    """Return the values that a field stands for; nothing if it has another form than numbers and names."""
    found: set[int] = set()
    for part in text.upper().split(","):
        whole, _, step = part.partition("/")
        low, _, high = whole.partition("-")
        first, last = _number(field, low), _number(field, high or low)
        if whole == "*":
            first, last = field.low, field.high
        if first is None or last is None:
            return set()
        last = field.high if step and not high else last
        found.update(range(first, last + 1, int(step or 1)))
    return found


def _is_field(field: _Field, value: str) -> bool:
    if value == "?":
        return field.name.startswith("day")
    return all(_is_part(field, part.upper()) for part in value.split(","))


def _is_part(field: _Field, part: str) -> bool:
    """Return whether `part` is `*`, a value, a range, or one of these with a step."""
    if field.special and field.special.fullmatch(part):
        return True
    whole, slash, step = part.partition("/")
    if slash and not (re.fullmatch(r"[1-9][0-9]{0,3}", step)):
        return False
    if whole == "*":
        return True
    low, dash, high = whole.partition("-")
    first, last = _number(field, low), _number(field, high) if dash else None
    return first is not None and (not dash or last is not None)


def _number(field: _Field, text: str) -> int | None:
    """Return the value of a number or a name; None if the field has no such value."""
    number = field.names.get(text)
    if number is None and re.fullmatch(r"[0-9]{1,4}", text):
        number = int(text)
    return number if number is not None and field.low <= number <= field.high else None


def _allowed(field: _Field) -> str:
    names = list(field.names)
    also = f", {names[0]} to {names[-1]}" if names else ""
    return f"{field.low} to {field.high}{also}, lists, ranges, steps and *"
