"""The components' table of the server's variables is the server's own declaration."""

from types import NoneType
from typing import Any, get_args

import pytest
from annotated_types import Ge, Le, MaxLen
from pydantic.fields import FieldInfo

from slipway.components.environment import OWN_ENVIRONMENT
from slipway.components.server_environment import VARIABLES, Variable, value_faults
from slipway.service.settings import Settings

# A component gives the first itself, where a model is fetched; the next makes sense on this machine alone; the
# others are secrets.
NOT_GIVEN = {"MODEL_CACHE_DIR", "LOCAL_PAGE_SESSION", "MODEL_API_KEYS", "JOBS_WEBHOOK_SECRET"}
FIELDS = {
    name.upper(): field
    for name, field in Settings.model_fields.items()
    if name.upper() not in {*OWN_ENVIRONMENT, *NOT_GIVEN}
}


def declared(field: FieldInfo) -> Variable:
    members = [member for member in get_args(field.annotation) if member is not NoneType]
    plain: Any = (
        members[0] if members and all(isinstance(each, type) for each in members) else field.annotation
    )
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    if low is not None:
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        return Variable(low, high, is_whole=plain is int)
    if plain is bool:
        return Variable(is_flag=True)
    longest = next((rule.max_length for rule in field.metadata if isinstance(rule, MaxLen)), None)
    return Variable(longest=longest) if longest else Variable(choices=get_args(field.annotation))


def test_every_variable_that_a_stack_may_give_is_declared_as_the_server_reads_it() -> None:
    assert {name: declared(field) for name, field in FIELDS.items()} == dict(VARIABLES)


@pytest.mark.parametrize(
    ("name", "text", "taken"),
    [
        ("LOG_LEVEL", "debug", True),
        ("LOG_LEVEL", "verbose", False),
        ("LOG_LEVEL", "", True),
        ("MAX_WAIT_MS", "2.5", True),
        ("MAX_WAIT_MS", "fast", False),
        ("MAX_BATCH_SIZE", "8", True),
        ("MAX_BATCH_SIZE", "8.5", False),
        ("MAX_BATCH_SIZE", "0", False),
        ("MAX_PADDING_SHARE", "nan", False),
        ("SERVE_DOCS", "off", True),
        ("SERVE_DOCS", "never", False),
        ("SERVICE_VERSION", "v" * 201, False),
        ("ANYTHING_ELSE", "verbose", True),
        ("log_level", "verbose", False),
    ],
)
def test_a_value_is_taken_as_the_server_takes_it(
    name: str, text: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (not list(value_faults({name: text}))) is taken
    monkeypatch.setenv("MODEL_API_KEY", "k" * 32)
    monkeypatch.setenv(name, text)
    try:
        Settings()  # pyright: ignore[reportCallIssue] - the required value is in the environment
    except ValueError:
        assert not taken
    else:
        assert taken


def test_the_message_says_what_the_server_takes() -> None:
    [fault] = value_faults({"LOG_LEVEL": "verbose"})
    assert str(fault) == "env.LOG_LEVEL is 'verbose'; the server takes debug, info, warning, error."
    [fault] = value_faults({"MAX_BODY_BYTES": "1"})
    assert "a whole number from 1024 to 268435456" in str(fault)
