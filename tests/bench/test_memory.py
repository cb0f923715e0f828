import pytest

from bench.memory import growth_mb


def test_memory_that_fills_up_at_first_and_then_stays_has_not_grown():
    samples = [(0, 100.0), *((served, 150.0) for served in range(20, 201))]
    assert growth_mb(samples) == 0


def test_memory_that_rises_steadily_has_grown():
    samples = [(served, 100 + served / 10) for served in range(1001)]
    assert growth_mb(samples) == pytest.approx(81, abs=1)


def test_too_few_samples_say_nothing():
    assert growth_mb([(0, 100.0), (200, 120.0)]) is None
