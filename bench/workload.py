"""The requests of every bench: texts of one short length or of mixed lengths, as HTTP/1.1 requests."""

import json
import random
from collections.abc import Sequence
from typing import Any

SHORT_WORDS = 13
# Log-normal lengths in words, as of people's messages: a median of 24, and one in a hundred above 180.
MEDIAN_WORDS, SIGMA, MIXED_TEXTS = 24, 0.9, 400
TEXT = "the service is late again and nobody told us why so we would like our money back please"
WORDS = tuple(TEXT.split(" "))


def short_texts() -> list[str]:
    return [_text(SHORT_WORDS)]


def mixed_texts(max_tokens: int) -> list[str]:
    """Return the same texts in every run, none longer than half the model's limit in words."""
    chance = random.Random(0)
    lengths = [chance.lognormvariate(0, SIGMA) * MEDIAN_WORDS for _ in range(MIXED_TEXTS)]
    return [_text(max(1, min(round(length), max_tokens // 2))) for length in lengths]


def post(path: str, body: dict[str, Any], key: str) -> bytes:
    """Return a whole keep-alive request."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def slipway_posts(path: str, texts: Sequence[str], key: str) -> list[bytes]:
    return [post(path, {"text": text, "truncate": True}, key) for text in texts]


def _text(words: int) -> str:
    return " ".join(WORDS[place % len(WORDS)] for place in range(words))
