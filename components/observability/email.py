"""Checks the address that alarms are sent to, and says why one is none. Pure.

The rules are those of RFC 5321 for what a cloud's form takes: ASCII, no quotes, a domain with a dot.
"""

import re
from collections.abc import Iterator

from ..fault import Fault

# RFC 5321, 4.5.3.1: characters before the @, and of the whole that fits into a path.
_LOCAL, _WHOLE = 64, 254
_BEFORE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"({_LABEL}\.)+[A-Za-z]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])")
_ALLOWED = "it must be one e-mail address, such as oncall@example.com"


def email_faults(address: str) -> Iterator[Fault]:
    """Yield why the argument `alert_email` is no address; nothing where none is given."""
    if address and (reason := _reason(address)):
        yield Fault("alert_email", repr(address), _ALLOWED, reason)


def _reason(address: str) -> str:
    before, at, domain = address.rpartition("@")
    if re.search(r"[,;\s]", address):
        return ", which has a space, a comma or a semicolon: several people need a mailing list"
    if not at:
        return ", which has no @"
    if len(address) > _WHOLE or len(before) > _LOCAL:
        return f", which is longer than {_WHOLE} characters, or than {_LOCAL} before the @"
    if not _BEFORE.fullmatch(before):
        return f", whose part before the @ is {before!r}"
    return "" if _DOMAIN.fullmatch(domain) else f", whose domain is {domain!r}"
