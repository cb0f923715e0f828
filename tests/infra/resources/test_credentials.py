"""What is shown of a value in which a credential stands: nothing of that."""

import pytest

from slipway.infra.preview.markdown import comment_of
from slipway.infra.resources.credentials import HIDDEN, holds_credential, without_credentials
from tests.infra.diff.plans import SERVICE, resource, side
from tests.infra.preview.shown import compared

HELD = [
    ("postgres://u:hush@db.example.com/x", f"postgres://{HIDDEN}@db.example.com/x"),
    ("http://me:hush@proxy:3128", f"http://{HIDDEN}@proxy:3128"),
    ("redis://:hush@cache", f"redis://{HIDDEN}@cache"),
    ("key=AKIAABCDEFGHIJKLMNOP", f"key={HIDDEN}"),
    (f"hf_{'a' * 34}", HIDDEN),
    ("-----BEGIN RSA PRIVATE KEY-----\nabc", HIDDEN),
]


@pytest.mark.parametrize(("text", "shown"), HELD)
def test_a_credential_is_recognised_and_hidden(text: str, shown: str) -> None:
    assert holds_credential(text)
    assert without_credentials(text) == shown


@pytest.mark.parametrize("text", ["https://example.com/a:b@c", "git@github.com:a/b", "sk-short", "user@host"])
def test_what_is_none_is_left_alone(text: str) -> None:
    assert not holds_credential(text)
    assert without_credentials(text) == text


def test_a_secret_in_the_environment_is_not_printed() -> None:
    env = {"DB_PASSWORD": "hush", "DATABASE": "postgres://u:hush@db", "LEVEL": "debug"}
    before = side(resource(SERVICE, "x", {"min_replicas": 1, "env": {}}))
    after = side(resource(SERVICE, "x", {"min_replicas": 1, "env": env}))
    shown = comment_of(compared(before, after))
    assert "hush" not in shown
    assert "env.LEVEL: debug" in shown
