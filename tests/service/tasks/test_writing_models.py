"""What a model that writes brings with it, or lacks: its chat template, its bounds, its tokenizer."""

from typing import Any

import httpx
import pytest

from slipway.service.faults import BadModel
from tests.service.running_server import AUTHORIZED
from tests.service.tasks.fake_writers import CONTEXT, FakeCausal, generating, serving

SAYS = "Slipways are ramps. Ships é, 😀 ☂ slide."
PROMPT = "What is a slipway?"
CHAT: Any = [{"role": "system", "content": "Be short."}, {"role": "user", "content": PROMPT}]


def test_without_a_chat_template_a_chat_is_refused_and_a_prompt_answered():
    with (
        serving(generating(FakeCausal(SAYS, has_chat_template=False))) as served,
        httpx.Client(base_url=served.url, headers=AUTHORIZED, timeout=20) as client,
    ):
        for route in ("/v1/chat/completions", "/generate"):
            answer = client.post(route, json={"messages": CHAT})
            assert answer.status_code == 422
            assert "messages need a chat template, which this model lacks" in answer.json()["detail"]
            assert "/v1/completions" in answer.json()["detail"]
        assert client.post("/generate", json={"prompt": PROMPT}).json()["text"] == SAYS


def test_the_manifest_bounds_an_answer_whose_request_does_not():
    with serving(generating(FakeCausal(SAYS), max_new_tokens=5)) as served:
        body = {"prompt": PROMPT}
        answer = httpx.post(f"{served.url}/generate", json=body, headers=AUTHORIZED).json()
        assert answer["text"] == SAYS[:5]


def test_a_context_beyond_the_models_positions_is_refused():
    with pytest.raises(
        BadModel, match=rf"max_tokens is {CONTEXT + 1}; config\.json gives the model {CONTEXT}"
    ):
        generating(FakeCausal(SAYS), max_tokens=CONTEXT + 1)


def test_a_tokenizer_of_another_model_is_refused():
    backend = FakeCausal(SAYS)
    backend.vocabulary_size = 100
    with pytest.raises(BadModel, match=r"tokenizer\.json has 260 tokens; the model knows 100"):
        generating(backend)
