"""What the log shows of a client, behind proxies that are trusted and others."""

import pytest

from slipway.service.clients import MAX_HOPS, Clients, Shown, networks
from tests.service.running_server import failed_start

PROXY = "10.1.2.3"


def address(peer: str, *forwarded: str, trusted: str = "10.0.0.0/8", shown: Shown = "full") -> str | None:
    headers = [(b"host", b"a"), *((b"x-forwarded-for", each.encode("latin-1")) for each in forwarded)]
    return Clients(networks(trusted), shown).address(peer, headers)


def test_a_proxys_header_counts_only_where_the_proxy_is_trusted() -> None:
    assert address(PROXY, "203.0.113.7") == "203.0.113.7"
    assert address("198.51.100.1", "203.0.113.7") == "198.51.100.1"
    assert address(PROXY, "203.0.113.7", trusted="") == PROXY
    assert address(PROXY) == PROXY


def test_what_a_client_claims_itself_does_not_count() -> None:
    """Each proxy appends whom it heard: the last address that no trusted proxy has is the client's."""
    assert address(PROXY, "1.1.1.1, 203.0.113.7, 10.9.9.9") == "203.0.113.7"
    assert address(PROXY, "1.1.1.1", "203.0.113.7") == "203.0.113.7"
    assert address(PROXY, ", ".join(["1.1.1.1"] * 5000 + ["203.0.113.7"])) == "203.0.113.7"
    assert address(PROXY, ", ".join(["203.0.113.7"] + ["10.9.9.9"] * MAX_HOPS)) == "10.9.9.9"


@pytest.mark.parametrize("claimed", ["jane.doe", "203.0.113.7:80", "", "unknown", "\xe9", "1.2.3.4.5"])
def test_what_is_no_address_is_not_shown(claimed: str) -> None:
    assert address(PROXY, claimed) == PROXY
    assert address(PROXY, f"{claimed}, 203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "shown", "expected"),
    [
        ("203.0.113.7", "network", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "network", "2001:db8:1::/48"),
        ("2001:db8:1:2:3::4", "full", "2001:db8:1:2:3::4"),
        ("203.0.113.7", "none", None),
        ("a socket", "full", None),
    ],
)
def test_an_address_is_shown_as_far_as_the_setting_says(
    peer: str, shown: Shown, expected: str | None
) -> None:
    assert address(peer, shown=shown) == expected


def test_a_proxy_that_is_no_network_is_refused_at_the_start() -> None:
    code, log, _ = failed_start(TRUSTED_PROXIES="10.0.0.0/8, balancer")
    assert (code, log[-1]["cause"]) == (2, "bad_settings")
    assert "TRUSTED_PROXIES: got '10.0.0.0/8, balancer'; allowed: addresses and net" in log[-1]["message"]
