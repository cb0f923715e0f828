from datetime import UTC, datetime

import pytest

from slipway.components.aws.schedules import has_passed, schedule_faults, times_in

NOW = datetime(2026, 11, 29, tzinfo=UTC)


# docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html has the first seven.
@pytest.mark.parametrize(
    "schedule",
    [
        "cron(0 10 * * ? *)",
        "cron(15 12 * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        "cron(0/30 20-2 ? * MON-FRI *)",
        "cron(0 9 ? * 2#1 *)",
        "cron(0 0 L * ? *)",
        "cron(0 0 15W * ? *)",
        "cron(0 0 ? JAN,FEB 6L 2027-2030)",
        "rate(1 hour)",
        "rate(5 minutes)",
        "at(2026-11-29T00:00:01)",
    ],
)
def test_aws_takes(schedule: str) -> None:
    assert list(schedule_faults(schedule)) == []
    assert not has_passed(schedule, "UTC", NOW)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("cron(0 8 * * * *)", "exactly one must be `?`"),
        ("cron(0 8 ? * ? *)", "exactly one must be `?`"),
        ("cron(0 25 ? * * *)", "<hours> is '25'; allowed are 0 to 23"),
        ("cron(60 8 ? * * *)", "<minutes> is '60'"),
        ("cron(0 8 ? 13 * *)", "<month> is '13'; allowed are 1 to 12, JAN to DEC"),
        ("cron(0 8 ? * MOO *)", "<day of week> is 'MOO'; allowed are 1 to 7, SUN to SAT"),
        ("cron(0 8 ? * 0 *)", "<day of week> is '0'"),
        ("cron(0 8 ? * 2#6 *)", "<day of week> is '2#6'"),
        ("cron(0 8 32 * ? *)", "<day of month> is '32'"),
        ("cron(0 8 1 * ? 1969)", "<year> is '1969'"),
        ("cron(0/0 8 1 * ? *)", "<minutes> is '0/0'"),
        ("cron(? 8 1 * ? *)", "<minutes> is '?'"),
        ("cron(0 8 ? * *)", "allowed are cron("),
        ("rate(1 hours)", "rate(1 hour)"),
        ("rate(0 hours)", "rate(1 hour)"),
        ("at(2090-02-30T00:00:00)", "a date and time that exists"),
        ("every day", "allowed are cron("),
    ],
)
def test_aws_refuses(schedule: str, said: str) -> None:
    [fault] = schedule_faults(schedule)
    assert said in fault


def test_the_time_of_an_at_is_that_of_its_zone() -> None:
    assert has_passed("at(2026-11-29T08:00:00)", "Asia/Tokyo", NOW)
    assert not has_passed("at(2026-11-29T08:00:00)", "America/New_York", NOW.replace(hour=12))
    assert has_passed("at(2026-11-29T08:00:00)", "America/New_York", NOW.replace(hour=13))


@pytest.mark.parametrize(
    ("schedule", "timezone", "count", "first"),
    [
        ("cron(0 8 ? * MON-FRI *)", "UTC", 261, "2027-01-01T08:00:00+00:00"),
        ("cron(30 8 ? * SAT,SUN *)", "Asia/Tokyo", 104, "2027-01-01T23:30:00+00:00"),
        ("cron(0 8 1 * ? *)", "Europe/Berlin", 12, "2027-01-01T07:00:00+00:00"),
        ("cron(0/20 8-9 1 1 ? *)", "UTC", 6, "2027-01-01T08:00:00+00:00"),
        ("cron(0 8 ? JAN FRI-MON *)", "UTC", 19, "2027-01-01T08:00:00+00:00"),
    ],
)
def test_a_cron_expression_fires_at_its_times(schedule: str, timezone: str, count: int, first: str) -> None:
    found = times_in(schedule, timezone, 2027)
    assert found is not None
    assert (len(found), found[0].isoformat()) == (count, first)


@pytest.mark.parametrize(
    "schedule",
    [
        "at(2027-01-31T08:00:00)",
        "rate(1 hour)",
        "cron(0 8 L * ? *)",
        "cron(0 8 3W * ? *)",
        "cron(0 8 ? * 2#1 *)",
        "cron(0 8 ? * FRIL *)",
        "cron(0 8 1 * ? 2028)",
    ],
)
def test_a_schedule_without_the_same_place_in_every_year_has_no_times(schedule: str) -> None:
    assert times_in(schedule, "UTC", 2027) is None
