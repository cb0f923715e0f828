from datetime import UTC, datetime

import pytest

from slipway.components.aws.schedules import has_passed, schedule_faults

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
