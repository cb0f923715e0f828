import pytest

from slipway.components.fault import ArgumentsError, Fault, Faults, in_words, reader_words, refuse

WRONG = Fault("memory_gib", "8", "at most 4 GiB", "with `cpu` 1", nearest=4)


def collected(*checks: list[Fault]) -> list[Fault]:
    found = Faults()
    for faults in checks:
        found.of(lambda faults=faults: refuse("api", faults))
    return found.found


def test_a_fault_reads_as_one_sentence() -> None:
    assert str(WRONG) == "memory_gib is 8 with `cpu` 1; at most 4 GiB; nearest: 4."
    assert str(Fault("env", "A", "keep one", ", which `secrets` has too", verb="has")) == (
        "env has A, which `secrets` has too; keep one."
    )
    assert str(Fault("", "no place is given", "give `registry`")) == "no place is given; give `registry`."


def test_a_nearest_value_keeps_every_digit_that_it_needs() -> None:
    assert str(Fault("memory_gib", "4.7", nearest=4813 / 1024)) == "memory_gib is 4.7; nearest: 4.7001953125."
    assert str(Fault("cpu", "0.29", nearest=0.1 + 0.2)) == "cpu is 0.29; nearest: 0.3."


def test_the_reader_sees_their_own_words_and_no_others_change() -> None:
    with reader_words({"memory_gib": "memory", "cpu": "vcpus"}):
        assert str(WRONG) == "memory is 8 with `vcpus` 1; at most 4 GiB; nearest: 4."
        assert in_words("`memory_gib` and `gcloud run`") == "`memory` and `gcloud run`"
    assert str(WRONG).startswith("memory_gib is 8")


def test_what_a_later_check_finds_in_the_same_value_is_left_out() -> None:
    again = Fault("memory_gib", "8", "something else")
    other = Fault("memory_gib", "9", "something else")
    assert collected([WRONG], [again, other]) == [WRONG, other]


def test_what_one_check_finds_in_a_value_is_kept_whole() -> None:
    again = Fault("memory_gib", "8", "something else")
    assert collected([WRONG, again]) == [WRONG, again]


def test_what_the_model_needs_is_kept_once_though_the_value_is_wrong_already() -> None:
    need = Fault("memory_gib", "8", "it needs 9 GiB", needs_memory=True)
    assert collected([WRONG], [need], [need]) == [WRONG, need]


def test_every_fault_of_all_checks_is_refused_together() -> None:
    found = Faults()
    found.of(lambda: refuse("api", [WRONG]))
    assert found.of(lambda: 5) == 5
    with pytest.raises(ArgumentsError, match=r"^api: memory_gib is 8 .*\.$"):
        found.refuse("api")
