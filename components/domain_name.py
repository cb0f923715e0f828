"""Checks of a domain name in a component's arguments, by the rules of DNS and certificates. Pure."""

import re

from .fault import Fault

# RFC 1035, section 2.3.4: 63 characters between dots; 255 bytes on the wire are 253 characters.
CHARACTERS = 253
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def domain_fault(domain: str, characters: int = CHARACTERS) -> Fault | None:
    """Return what is wrong with the argument `domain`; None if it is valid or not given."""
    if not domain or (len(domain) <= characters and _NAME.fullmatch(domain)):
        return None
    allowed = "allowed is a domain's name in lowercase, such as api.example.com"
    long = f", which has {len(domain)} characters, more than {characters}" if len(domain) > characters else ""
    return Fault("domain", repr(domain), allowed, long)
