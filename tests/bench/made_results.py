"""Results with round numbers, for the tests of what is read out of them."""

from bench.results import SLIPWAY, Block, Measured, Point, Results, point_key

KEYS = [point_key(kind, connections) for kind in ("short", "mixed") for connections in (1, 8, 64)]


def point(per_second: float, p50_ms: float = 10.0, p99_ms: float = 13.0) -> Point:
    return Point(per_second=per_second, p50_ms=p50_ms, p99_ms=p99_ms, cpu_ms=2.0, refused=0)


def measured(name: str, variant: str, per_second: list[float], p50_ms: float = 10.0) -> Measured:
    """per_second: a round each, at every point."""
    return Measured(
        name=name,
        variant=variant,
        setup=f"{variant} of {name}",
        version="1.0",
        ready_seconds=0.5,
        pss_mb=150,
        points={key: [point(rate, p50_ms) for rate in per_second] for key in KEYS},
    )


def block(limits: list[float], *contenders: Measured) -> Block:
    """limits: of both kinds, a round each."""
    return Block(
        limit_per_second={"short": limits, "mixed": limits},
        limit_cpu_ms={"short": [1.0] * len(limits), "mixed": [1.0] * len(limits)},
        call_ms=[8.0] * len(limits),
        cpus_share=[1.0] * len(limits),
        measured=list(contenders),
    )


def results() -> Results:
    """Slipway at 0.95 of the limit, the peer at 0.6 tuned and 0.1 batching; the second round half as fast."""
    limits = [1000.0, 500.0]
    return Results(
        facts={"Date": "2026-01-01", "Model": "a-model"},
        blocks={
            "peer": block(
                limits,
                measured(SLIPWAY, "default", [950, 475]),
                measured("Peer", "batching", [100, 50]),
                measured("Peer", "tuned", [600, 300]),
            )
        },
        pieces={
            "overload": {
                "accepted_over_limit": 0.92,
                "accepted_p99_over_full_load_p99": 2.5,
                "refused_p99_ms": 20,
                "recovery_s": None,
                "quietness": 0.98,
            },
            "attack": {"peak_over_limit": 0.97, "alive_p99_ms": 100, "alive_worst_ms": 900, "killed": 0},
        },
    )
