import ipaddress

import pytest

from slipway.service.webhooks.address import is_public, webhook_fault

HOSTS = ["hooks.example.com", "Other.Example.org"]


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/slipway?team=a%20b",
        "https://hooks.example.com:8443/x",
        "https://HOOKS.example.com/x",
        "https://other.example.org/",
    ],
)
def test_an_https_address_on_a_named_host_may_be_called(address: str):
    assert webhook_fault(address, HOSTS) == ""


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://hooks.example.com/", "no https"),
        ("ftp://hooks.example.com/", "no https"),
        ("https://evil.example.com/", "allowed: hooks.example.com"),
        ("https://hooks.example.com.evil.org/", "not on a host"),
        ("https://evil.org/hooks.example.com", "not on a host"),
        ("https://hooks.example.com@evil.org/", "without a login"),
        ("https://user:password@hooks.example.com/", "without a login"),
        ("https://hooks.example.com\\@evil.org/", "https://host/path"),
        ("https://hooks.example.com/#part", "fragment"),
        ("https://hooks.example.com:0/", "port"),
        ("https://hooks.example.com:99999/", "port"),
        ("https://127.0.0.1/", "not on a host"),
        ("https://[::1]/", "brackets"),
        ("https://hooks.example.com/\r\nHost: evil", "https://host/path"),
        ("https://hooks.example.com/\x00", "https://host/path"),
        ("https://hooks.ex\u0430mple.com/", "https://host/path"),
        ("https://hooks.example.com./", "not on a host"),
        ("https:///x", "https://host/path"),
        ("", "no https"),
    ],
)
def test_any_other_address_is_refused_with_its_reason(address: str, why: str):
    assert why in webhook_fault(address, HOSTS)


def test_without_named_hosts_no_address_may_be_called():
    assert "JOBS_WEBHOOK_HOSTS" in webhook_fault("https://hooks.example.com/", [])


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450::1"]
)
def test_addresses_of_the_public_internet_are_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *(
            "169.254.169.254",
            "169.254.170.2",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
        ),
        *(
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.88.99.1",
            "203.0.113.1",
        ),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("2002:7f00:1::", "2001::1", "2001:db8::1", "2001:10::1", "3fff::1", "100::1", "5f00::1"),
        *("", "localhost", "1", "0x7f000001", "127.1", "2130706433"),
    ],
)
def test_all_others_are_not(address: str):
    assert not is_public(address)


def test_nothing_that_the_standard_library_calls_private_is_public():
    """An independent table: sampled around the borders of its networks."""
    for text in ("0.0.0.0/0", "::/0"):
        whole = ipaddress.ip_network(text)
        step = whole.num_addresses // 4096
        for place in range(4096):
            address = whole[place * step]
            if is_public(str(address)):
                assert address.is_global
                assert not address.is_multicast
