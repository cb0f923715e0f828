import pytest

from slipway.components.need import need_of

MIB = 2**20


def manifest(size_mib: float, **more: object) -> dict[str, object]:
    return {"files": {"model.onnx": {"bytes": size_mib * MIB}}, "max_tokens": 512, **more}


# What `slipway fit` measured for BERTs with random weights, one and two inference threads; MiB. Then
# DistilBERT, RoBERTa, ALBERT and ELECTRA in their published shapes, and all of flan-t5-base as a classifier.
MEASURED = [
    ("int8", 4, 1.1, 1, 67.4),
    ("int8", 4, 1.1, 2, 77.6),
    ("fp32", 2, 2.9, 1, 65.0),
    ("fp32", 2, 2.9, 2, 73.2),
    ("int8", 12, 21.9, 1, 113.4),
    ("int8", 12, 21.9, 2, 152.0),
    ("int8", 8, 27.7, 1, 108.3),
    ("int8", 8, 27.7, 2, 142.8),
    ("int8", 12, 64.2, 1, 159.5),
    ("int8", 12, 64.2, 2, 209.3),
    ("fp32", 12, 86.7, 1, 180.9),
    ("fp32", 12, 86.7, 2, 211.7),
    ("int8", 12, 105.0, 1, 266.5),
    ("int8", 12, 105.0, 2, 318.6),
    ("fp32", 12, 255.4, 1, 401.3),
    ("fp32", 12, 255.4, 2, 441.2),
    ("fp32", 12, 417.5, 1, 653.6),
    ("fp32", 12, 417.5, 2, 700.9),
    ("fp32", 12, 255.3, 1, 418),
    ("int8", 12, 64.1, 1, 187),
    ("fp32", 12, 475.2, 1, 726),
    ("int8", 12, 119.4, 1, 281),
    ("fp32", 12, 119.0, 1, 219),
    ("int8", 12, 30.1, 1, 131),
    ("fp32", 4, 51.6, 1, 130),
    ("int8", 4, 13.2, 1, 90),
    ("fp32", 12, 853.1, 1, 1348),
]


@pytest.mark.parametrize(("precision", "heads", "size_mib", "cpu", "measured_mib"), MEASURED)
def test_an_estimate_is_within_15_percent_of_what_was_measured(
    precision: str, heads: int, size_mib: float, cpu: float, measured_mib: float
) -> None:
    need = need_of(manifest(size_mib, precision=precision, heads=heads), cpu)
    assert abs(need.memory_mib / measured_mib - 1) <= 0.15
    assert not need.measured
    assert need.least_mib < measured_mib < need.with_margin_mib


def test_a_large_vocabulary_counts() -> None:
    """All-MiniLM-L6-v2 in int8, whose WordPiece has 30,522 words, took 131 MiB."""
    files = {"model.onnx": {"bytes": 22_820_894}, "tokenizer.json": {"bytes": 466_247}}
    need = need_of({"files": files, "max_tokens": 512, "precision": "int8"}, 1)
    assert abs(need.memory_mib / 131 - 1) <= 0.15
    assert need.least_mib < 131 < need.with_margin_mib


# One thread, then four, at 1,000 tokens; the file of 148 MiB is mapped, so it was not in what was measured.
@pytest.mark.parametrize(("size_mib", "cpu", "measured_mib"), [(0.1, 1, 430), (148, 1, 521), (148, 4, 699)])
def test_a_model_that_writes_on_torch_is_estimated_to_need_no_less_than_was_measured(
    size_mib: float, cpu: float, measured_mib: float
) -> None:
    need = need_of(manifest(size_mib, engine="torch", task="generate", max_tokens=1000), cpu)
    assert measured_mib <= need.memory_mib <= 1.2 * measured_mib


# A server of its own from a cold page cache, texts of 512 tokens. fp32 weights, 486 MiB, are mapped from the
# file, and counted as each token reads them all.
@pytest.mark.parametrize(
    ("size_mib", "precision", "cpu", "measured_mib"),
    [
        (0.4, "fp32", 1, 486),
        (485.6, "fp32", 1, 522 + 486),
        (485.6, "fp32", 2, 549 + 486),
        (242.8, "bf16", 1, 1008),
    ],
)
def test_a_model_that_summarises_on_torch_is_estimated_within_15_percent(
    size_mib: float, precision: str, cpu: float, measured_mib: float
) -> None:
    need = need_of(manifest(size_mib, engine="torch", task="summarize", precision=precision), cpu)
    assert abs(need.memory_mib / measured_mib - 1) <= 0.15
    assert need.least_mib < measured_mib < need.with_margin_mib


def test_a_model_on_ctranslate2_is_estimated_within_15_percent_and_alike_on_more_cpus() -> None:
    """A T5 with flan-t5-base's shape and vocabulary in int8 took 591 MiB at 8 texts of 512 tokens at once."""
    files = {"model.bin": {"bytes": 248_733_045}, "tokenizer.json": {"bytes": 1_999_200}}
    written = {"files": files, "max_tokens": 512, "precision": "int8", "engine": "ctranslate2"}
    need = need_of({**written, "task": "summarize"}, 1)
    assert abs(need.memory_mib / 591 - 1) <= 0.15
    assert need.least_mib < 591 < need.with_margin_mib
    assert need_of({**written, "task": "summarize"}, 4) == need
    longer = need_of({**written, "task": "generate", "max_tokens": 4096}, 1)
    assert longer.memory_mib - need.memory_mib == 256


def test_what_was_measured_wins_and_each_further_cpu_adds_its_own_scores() -> None:
    one = need_of(manifest(100, heads=4, measured={"memory_mib": 80}), 1)
    two = need_of(manifest(100, heads=4, measured={"memory_mib": 80}), 1.5)
    assert (one.memory_mib, one.measured, one.least_mib) == (80, True, 80)
    assert two.memory_mib == pytest.approx(80 + 4 * 4 * 512 * 512 * 4 / MIB)


@pytest.mark.parametrize("broken", [{}, {"files": {}}, {"files": {"a": {}}, "max_tokens": 1}])
def test_a_manifest_without_the_numbers_is_an_error(broken: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError)):
        need_of(broken, 1)


@pytest.mark.parametrize("key", ["memory_mib", "memory_mb"])
def test_a_measured_need_is_read_by_its_name_and_by_its_older_one(key: str) -> None:
    need = need_of(manifest(3, measured={key: 67}, features={}), cpu=1)
    assert (need.memory_mib, need.measured) == (67, True)
