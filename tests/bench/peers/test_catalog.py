import re
from pathlib import Path

import pytest

from bench.peers.catalog import ALL, PEERS, Peer
from bench.peers.text_model import PlainTextModel
from slipway.service.settings import BUNDLED_MODEL

ROOT = PEERS.parents[1]
SAME_AS_OURS = ("onnxruntime", "tokenizers", "numpy", "orjson")


def pins(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z]+\])?==([^\s;]+)", file.read_text(), re.MULTILINE))


@pytest.mark.parametrize("peer", ALL, ids=lambda peer: peer.key)
def test_every_peer_runs_the_model_on_the_same_versions_as_the_server(peer: Peer):
    ours, theirs = pins(ROOT / "service/requirements.txt"), pins(PEERS / peer.key / "requirements.txt")
    assert {name: theirs[name] for name in SAME_AS_OURS} == {name: ours[name] for name in SAME_AS_OURS}


@pytest.mark.parametrize("peer", ALL, ids=lambda peer: peer.key)
def test_every_peer_is_locked_by_hash_and_names_no_index(peer: Peer):
    locked = (PEERS / peer.key / "requirements.txt").read_text()
    assert peer.package in pins(PEERS / peer.key / "requirements.txt")
    assert len(re.findall(r"^[a-z0-9].*==", locked, re.MULTILINE)) <= locked.count("--hash=sha256:")
    assert "://" not in locked


@pytest.mark.parametrize("peer", ALL, ids=lambda peer: peer.key)
def test_every_peer_is_measured_at_its_defaults_and_tuned(peer: Peer):
    variants = [variant.name for variant in peer.variants]
    assert {"default", "tuned"} <= set(variants)
    assert len(set(variants)) == len(variants)
    assert (PEERS / peer.key / "app.py").is_file()


def test_a_padded_batch_holds_each_texts_own_answer():
    model = PlainTextModel(BUNDLED_MODEL)
    texts = ["Are we still on for lunch?", "WINNER!! Call 09061701461 now to claim your 1000 cash prize."]
    together = model.answers(texts)
    assert [each["label"] for each in together] == ["ham", "spam"]
    alone = [model.answers([text])[0] for text in texts]
    assert [each["proba"] for each in together] == pytest.approx([each["proba"] for each in alone], abs=0.02)
