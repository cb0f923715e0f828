"""Our histograms show what the library's would for the same seconds."""

import random

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from slipway.service.metrics.durations import BOUNDS, SECONDS, DurationsFamily

NAME, TEXT, LABELS = "some_seconds", "How long it took.", ("route", "status")


def test_the_page_is_the_one_that_the_library_would_show() -> None:
    theirs, ours = CollectorRegistry(auto_describe=False), CollectorRegistry()
    histogram = Histogram(NAME, TEXT, LABELS, buckets=SECONDS, registry=theirs)
    family = DurationsFamily(NAME, TEXT, LABELS, ours)
    chance = random.Random(7)
    seen = [*SECONDS, 0.0, 61.0, 1e9, *(chance.lognormvariate(-4, 3) for _ in range(2000))]
    for number, seconds in enumerate(seen):
        labels = ("/predict" if number % 3 else "/quality", "200")
        histogram.labels(*labels).observe(seconds)
        family.of(*labels).observe(seconds)

    def lines(registry: CollectorRegistry) -> list[str]:
        text = generate_latest(registry).decode()
        return sorted(line for line in text.splitlines() if not line.startswith(f"{NAME}_created"))

    assert lines(ours) == [line for line in lines(theirs) if "_created" not in line]


def test_what_is_counted_is_read_by_bound() -> None:
    family = DurationsFamily(NAME, TEXT, LABELS, CollectorRegistry())
    series = family.of("/predict", "200")
    series.observe(0.001)
    series.observe(70)
    assert family.of("/predict", "200") is series
    [(labels, found)] = family.series()
    assert labels == {"route": "/predict", "status": "200"}
    assert dict(zip(BOUNDS, found.up_to_bounds(), strict=True))[60] == 1
    assert found.up_to_bounds()[-1] == 2
