"""An address that alarms are sent to is one address, and what is wrong with another one is said."""

import pytest

from slipway.components.observability.email import email_faults


@pytest.mark.parametrize(
    "address",
    ["", "oncall@example.com", "a.b+alarms@mail.example.co.uk", "x@a-b.example", "o'neil@example.com"],
)
def test_an_address_is_taken(address: str) -> None:
    assert list(email_faults(address)) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("oncall", "which has no @"),
        ("oncall@", "whose domain is ''"),
        ("@example.com", "whose part before the @ is ''"),
        ("a@b@example.com", "whose part before the @ is 'a@b'"),
        ("a@example", "whose domain is 'example'"),
        ("a@-example.com", "whose domain is '-example.com'"),
        ("a@example..com", "whose domain is 'example..com'"),
        ("a@10.0.0.1", "whose domain is '10.0.0.1'"),
        ("a b@example.com", "a space, a comma or a semicolon"),
        ("a@example.com;b@example.com", "several people need a mailing list"),
        ("ä@example.com", "whose part before the @ is 'ä'"),
        ("Ada <ada@example.com>", "a space"),
        (f"{'a' * 65}@example.com", "64 before the @"),
        (f"a@{'b.' * 130}com", "longer than 254 characters"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(address: str, said: str) -> None:
    [fault] = email_faults(address)
    assert said in str(fault)
    assert str(fault).startswith(f"alert_email is {address!r}")
    assert "such as oncall@example.com" in str(fault)
