"""What is recommended, on cases computed by hand with list prices of us-central1 and us-east-1.

One vCPU with 0.5 GiB on Cloud Run, all month: 49.93 instance-based; a second busy 0.00002525, waiting
0.00000375. One Fargate task of 1 vCPU and 2 GB with an address: 36.04 + 3.65; a load balancer 16.43 + 7.30,
and 0.008 for 90,000 requests. One e2-standard-4 with its disk 97.83 + 10, three pods each; a cluster with an
address 73 + 18.25. An instance is planned for 70 % of what it can do.
"""

import math
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from slipway.infra.advise.choose import Advice, advice_of
from slipway.infra.advise.question import question_of
from slipway.infra.advise.report import advice_text
from slipway.infra.cost.prices import price_table
from slipway.infra.errors import Refused

SECONDS = 2_628_000
HUB = f"hf:acme/model@{'a' * 40}"
RUN, RUN_ALWAYS = "Cloud Run, request-based", "Cloud Run, instance-based"
FARGATE, FARGATE_SPOT, GKE = "Fargate", "Fargate, above the first on Spot", "GKE"


def advice(**asked: Any) -> Advice:
    """Advise on a model of 100 MiB that takes 10 ms of a vCPU, unless `asked` says otherwise."""
    defaults: dict[str, Any] = {"model": "bundled:sms-spam", "memory": "100Mi", "request_seconds": 0.01}
    return advice_of(question_of(**(defaults | asked)), price_table())


def expected(found: Advice, name: str) -> float:
    [one] = [one for one in found.estimates if one.offer.name == name]
    return one.expected.usd


CASES = [
    # A request every hundred seconds: 26,280 x 0.1 s, and 0.01 for the requests.
    ({"rps": 0.01, "request_seconds": 0.1}, RUN, 0.0768),
    # One a second, kept warm: busy 1 - exp(-0.1) of the time 6.31, waiting 8.92, requests 1.05.
    ({"rps": 1, "latency_ms": 100}, RUN, 16.28),
    # 50 a second: request-based would be 65.91 + 0.07 + 52.56.
    ({"rps": 50, "latency_ms": 100}, RUN_ALWAYS, 49.93),
    # The same in 8 hours a day, starting from nothing; each day it is kept for 15 minutes more.
    ({"rps": 50, "hours": 8}, RUN_ALWAYS, 17.16),
    # 500 a second: 8 instances of Cloud Run against 458 on Fargate and 415 on GKE.
    ({"rps": 500, "latency_ms": 100}, RUN_ALWAYS, 399.46),
    # And where it may be interrupted: 36.04 + 7 x 10.81 + 8 x 3.65 + 23.73 + 116.80.
    ({"rps": 500, "latency_ms": 100, "spot": True}, FARGATE_SPOT, 281.44),
    # 630 a second: GKE at 414.75 is 8 % less than 9 instances: not worth a cluster.
    ({"rps": 630, "latency_ms": 100}, RUN_ALWAYS, 449.39),
    # 2000 a second: 29 instances would be 1447.91; 10 nodes and a cluster.
    ({"rps": 2000, "latency_ms": 100}, GKE, 1169.54),
    # 40 GiB: more than Cloud Run or a node of GKE has. 8 vCPU 236.40, 40 GB 129.79, and as above; LCU 0.23.
    ({"rps": 1, "memory": "40Gi"}, FARGATE, 236.40 + 129.79 + 3.65 + 23.73 + 0.23),
    # A GPU all day: 515.99 + 10, 48.92 + 10 for the cluster's own node, 91.25; Cloud Run 763.96.
    (
        {"rps": 2, "model": HUB, "memory": "6Gi", "request_seconds": None, "gpu": "nvidia-l4"}
        | {"gpu_seconds": 0.2, "latency_ms": 2000},
        "GKE with nvidia-l4",
        676.15,
    ),
    # Four hours a day: Cloud Run, a sixth of 763.96, has too old a driver for the L4; as all day.
    (
        {"rps": 2, "model": HUB, "memory": "6Gi", "request_seconds": None, "gpu": "nvidia-l4"}
        | {"gpu_seconds": 0.2, "hours": 4},
        "GKE with nvidia-l4",
        676.15,
    ),
    # The same GPU on Spot, all day: 205.74 + 10, and as above.
    (
        {"rps": 2, "model": HUB, "memory": "6Gi", "request_seconds": None, "gpu": "nvidia-l4"}
        | {"gpu_seconds": 0.2, "latency_ms": 2000, "spot": True},
        "GKE with nvidia-l4 on Spot",
        365.91,
    ),
    # Two seconds on a CPU are too slow; a tenth on the GPU is not.
    (
        {"rps": 1, "model": HUB, "request_seconds": 2, "gpu": "nvidia-l4"}
        | {"gpu_seconds": 0.1, "latency_ms": 1000},
        "GKE with nvidia-l4",
        676.15,
    ),
]


@pytest.mark.parametrize(("asked", "name", "usd"), CASES, ids=[f"{one[1]} at {one[2]:.2f}" for one in CASES])
def test_the_recommendation_is_the_one_computed_by_hand(asked: dict[str, Any], name: str, usd: float) -> None:
    found = advice(**asked)
    assert found.best.offer.name == name
    assert found.best.expected.usd == pytest.approx(usd, rel=0.002)


def test_a_burstable_machine_pays_for_a_steady_load_above_its_baseline() -> None:
    """100 a second of 10 ms are 730 vCPU-hours; a t3.medium earns 292. 30.37, 438 x 0.05 and a balancer."""
    balancer = 730 * (0.0225 + 2 * 0.005) + 100 * 2_628_000 / 90_000 * 0.008
    surplus = (730 - 0.4 * 730) * 0.05
    assert expected(advice(rps=100), "EC2 t3.medium") == pytest.approx(30.368 + surplus + balancer, rel=0.001)


def test_work_that_overlaps_is_not_free_where_requests_are_billed() -> None:
    """131.4 million vCPU-seconds; 24.0 and 0.5 x 2.5 millionths each, and 262.8 x 0.40."""
    found = advice(rps=100, request_seconds=0.5)
    assert expected(found, RUN) >= 3422.97
    assert found.best.offer.name != RUN


def test_an_unused_free_tier_makes_few_requests_free() -> None:
    assert advice(rps=0.01, free_tier=True).best.expected.usd == 0


def test_the_free_tier_is_taken_off_no_further_than_it_reaches() -> None:
    """180,000 vCPU-s at 0.000024, 360,000 GiB-s (all 125,000 used) and 2 M requests."""
    with_it, without = advice(rps=1, free_tier=True), advice(rps=1)
    active = SECONDS * -math.expm1(-0.1)
    less = 180_000 * 0.000024 + active * 0.5 * 0.0000025 + 2 * 0.40
    assert expected(without, RUN) - expected(with_it, RUN) == pytest.approx(less)


def test_the_break_even_with_another_way_is_where_both_cost_the_same() -> None:
    found = advice(rps=50, latency_ms=100)
    [even] = [one for one in found.break_evens if one.cheaper == RUN]

    def by_request(rps: float) -> float:
        busy = -math.expm1(-rps * 0.1)
        return SECONDS * (busy * 0.00002525 + (1 - busy) * 0.00000375) + rps * SECONDS / 1e6 * 0.40

    assert even.factor < 1
    assert by_request(even.rps) == pytest.approx(49.93, rel=0.001)


def test_a_break_even_is_where_the_recommendation_changes() -> None:
    found = advice(rps=500, latency_ms=100)
    [even] = [one for one in found.break_evens if one.cheaper == GKE]
    there = advice(rps=even.rps * 1.0001, latency_ms=100)
    assert expected(there, GKE) < expected(there, RUN_ALWAYS)
    before = advice(rps=even.rps * 0.999, latency_ms=100)
    assert expected(before, GKE) > expected(before, RUN_ALWAYS)


def test_what_would_change_its_mind_names_spot_and_a_first_answer_that_waits() -> None:
    said = " ".join(advice(rps=500, latency_ms=100).otherwise)
    assert f"--spot): {FARGATE_SPOT} at $281." in said
    assert "no --latency" in " ".join(advice(rps=1, latency_ms=100).otherwise)


def test_a_way_that_is_only_compared_with_is_never_recommended_but_told_of_when_cheaper() -> None:
    found = advice(rps=500, latency_ms=100)
    assert all(one.offer.target == "" for one in found.estimates if one.offer.name.startswith("EC2"))
    assert "EC2 t3.medium would cost" in " ".join(found.otherwise)


def test_a_way_without_a_price_is_unknown_and_says_why() -> None:
    found = advice(rps=1, model=HUB, gpu="nvidia-l4", gpu_seconds=0.1)
    [vertex] = [one for one in found.estimates if one.offer.name == "Vertex with a GPU"]
    assert str(vertex.expected) == "unknown"
    assert "no price of a Vertex endpoint with a GPU was found" in vertex.expected.unknown


def test_knative_costs_what_the_nodes_below_it_cost() -> None:
    found = advice(rps=500)
    assert expected(found, "Knative on GKE") == expected(found, GKE)


def test_an_unknown_price_is_never_recommended() -> None:
    """A T4 in a Spot node: the machine has no Spot price."""
    found = advice(rps=1, model=HUB, request_seconds=None, gpu="nvidia-tesla-t4", gpu_seconds=0.1, spot=True)
    [spot] = [one for one in found.estimates if one.offer.name == "GKE with nvidia-tesla-t4 on Spot"]
    assert not spot.known
    assert found.best.offer.name == "GKE with nvidia-tesla-t4"


def test_a_model_that_was_measured_needs_no_time_and_no_memory() -> None:
    question = question_of(model="bundled:sms-spam", rps=1)
    assert question.measured
    assert question.cpu_seconds == pytest.approx(1 / 1686.3)
    assert 0 < question.need_mib < 512


def test_the_throughput_on_a_cpu_that_is_not_known_is_not_made_up() -> None:
    found = advice(rps=1, model=HUB, request_seconds=None, gpu="nvidia-l4", gpu_seconds=0.1)
    [run] = [one for one in found.estimates if one.offer.name == RUN]
    assert (str(run.expected), run.fits) == ("unknown", False)


@pytest.mark.parametrize(
    ("residency", "regions", "expected_regions"),
    [
        ("any", (), {"us-central1", "us-east-1"}),
        ("eu", (), {"europe-west4", "eu-west-1"}),
        ("eu", ("europe-west1", "eu-central-1"), {"europe-west1", "eu-central-1"}),
    ],
)
def test_data_stays_where_it_must(
    residency: str, regions: tuple[str, ...], expected_regions: set[str]
) -> None:
    found = advice(rps=1, residency=residency, regions=regions)
    assert {one.offer.region for one in found.estimates} == expected_regions


def test_a_gpu_whose_driver_cannot_run_the_image_does_not_fit() -> None:
    found = advice(rps=1, model=HUB, gpu="nvidia-l4", gpu_seconds=0.1)
    [run] = [one for one in found.estimates if one.offer.name == "Cloud Run with nvidia-l4"]
    assert not run.fits
    [reason] = run.offer.against
    assert "its driver there is 535; the image that is built here has CUDA 13.2" in reason


def test_an_l4_is_not_placed_where_it_is_by_invitation() -> None:
    found = advice(rps=1, model=HUB, gpu="nvidia-l4", gpu_seconds=0.1)
    [run] = [one for one in found.estimates if one.offer.name == "Cloud Run with nvidia-l4"]
    assert run.offer.region == "us-east4"


def test_a_budget_that_nothing_keeps_is_said() -> None:
    assert "No option that fits is within the budget of $1.00" in " ".join(advice(rps=50, budget_usd=1).why)


def test_nothing_that_fits_is_refused_with_every_reason() -> None:
    with pytest.raises(
        Refused, match=r"(?s)No option meets.*Cloud Run, request-based: one request takes 500 ms"
    ):
        advice(rps=1, request_seconds=0.5, latency_ms=100)


WRONG = [
    ({"rps": 0}, "--rps is 0; it is from"),
    ({"rps": float("nan")}, "--rps is nan"),
    ({"rps": 5, "peak": 1}, "--peak is 1; it is from 5"),
    ({"rps": 1, "hours": 25}, "--hours is 25"),
    ({"rps": 1, "latency_ms": 0}, "--latency is 0"),
    ({"rps": 1, "budget_usd": -1}, "--budget is -1"),
    ({"rps": 1, "model": "hf:a/b"}, "--model is 'hf:a/b'"),
    ({"rps": 1, "model": HUB, "memory": ""}, "give --memory"),
    ({"rps": 1, "model": HUB, "request_seconds": None}, "give --request-seconds"),
    ({"rps": 1, "memory": "5gb"}, "--memory is '5gb'"),
    ({"rps": 1, "gpu": "nvidia-l4"}, "--gpu needs --gpu-seconds"),
    ({"rps": 1, "gpu": "voodoo", "gpu_seconds": 1}, "--gpu is 'voodoo'; compared are nvidia-l4"),
    ({"rps": 1, "gpu_seconds": 1}, "--gpu-seconds needs --gpu"),
    (
        {"rps": 1, "gpu": "nvidia-l4", "gpu_seconds": 1},
        "--gpu is 'nvidia-l4' with bundled:sms-spam, which ONNX Runtime computes on the CPU",
    ),
    ({"rps": 1, "residency": "de"}, "--residency is 'de'"),
    ({"rps": 1, "regions": ("here",)}, "--region is 'here'"),
    ({"rps": 1, "residency": "eu", "regions": ("us-east-1",)}, "us-east-1 is not in --residency eu"),
    ({"rps": 1, "project": "X"}, "--project is 'X'"),
    ({"rps": 1, "task": "sing"}, "--task is 'sing'"),
]


@pytest.mark.parametrize(("asked", "message"), WRONG, ids=[one[1] for one in WRONG])
def test_a_question_that_makes_no_sense_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused) as refused:
        advice(**asked)
    assert message in str(refused.value)


def test_every_fault_of_a_question_is_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        advice(rps=0, hours=30, residency="de")
    assert all(flag in str(refused.value) for flag in ("--rps", "--hours", "--residency"))


def test_each_line_of_a_sentence_is_indented() -> None:
    terminal = Console(width=60)
    with terminal.capture() as capture:
        for part in advice_text(advice(rps=50), date(2026, 1, 1), explain=False):
            terminal.print(part)
    said = capture.get().partition("Recommended:")[2]
    why = said.partition("What would change that:")[0].splitlines()[1:]
    assert len(why) > len(advice(rps=50).why)
    assert [line for line in why if not line.startswith("  ") or line.startswith("   ")] == []
