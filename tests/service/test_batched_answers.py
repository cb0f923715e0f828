"""The bundled model, an int8 one, over HTTP: its answers alone and in a batch.

The scales of an int8 model's activations are those of the whole batch, so company may move an answer a
little: here a probability by at most PROBA_TOLERANCE. Which texts are computed together depends on how busy
the machine is: 0.07 was seen on a busy one.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx

from tests.service.running_server import AUTHORIZED, HAM, SPAM, running_server

PROBA_TOLERANCE = 0.1
TEXTS = [" ".join([SPAM, HAM, SPAM][place % 3].split()[: 1 + place % 12]) for place in range(60)]


def answers(url: str, texts: list[str]) -> list[tuple[str, float]]:
    answer = httpx.post(f"{url}/predict", json={"text": texts}, headers=AUTHORIZED, timeout=60)
    return [(each["label"], each["proba"]) for each in answer.json()["predictions"]]


def agree(alone: tuple[str, float], batched: tuple[str, float]) -> bool:
    label, proba = alone
    other, its_proba = batched
    return abs(proba - (its_proba if label == other else 1 - its_proba)) <= PROBA_TOLERANCE


def test_answers_are_the_same_alone_and_in_a_batch_within_the_tolerance(tmp_path: Path):
    with running_server(tmp_path / "alone", MAX_BATCH_SIZE="1") as server:
        alone = answers(server.url, TEXTS)
    large = {"MAX_BATCH_SIZE": "32", "MAX_BATCH_TOKENS": "4096", "FORWARD_THREADS": "1", "MAX_WAIT_MS": "20"}
    batchings: tuple[dict[str, str], ...] = ({"MAX_BATCH_SIZE": "8"}, large)
    for number, settings in enumerate(batchings):
        with running_server(tmp_path / f"batched-{number}", True, **settings) as server:
            batched = answers(server.url, TEXTS)
            with ThreadPoolExecutor(20) as callers:
                singles = [
                    found[0]
                    for found in callers.map(partial(answers, server.url), [[text] for text in TEXTS])
                ]
        for label_and_proba, other, single in zip(alone, batched, singles, strict=True):
            assert agree(label_and_proba, other)
            assert agree(label_and_proba, single)


def test_unless_batches_are_asked_for_an_int8_answer_does_not_depend_on_the_company(tmp_path: Path):
    with running_server(tmp_path / "log") as server:
        together = answers(server.url, TEXTS)
        assert [answers(server.url, [text])[0] for text in TEXTS] == together
