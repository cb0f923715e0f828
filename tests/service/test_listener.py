import socket
import sys

import pytest

from slipway.service.listener import listener, turn_away, waiting


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters what comes to a listening socket")
def test_a_listener_that_turns_away_keeps_who_had_come_and_takes_nobody_new():
    with listener("127.0.0.1", 0) as sock, socket.create_connection(sock.getsockname(), timeout=5) as early:
        turn_away(sock)
        with socket.socket() as late:
            late.settimeout(0.3)
            with pytest.raises(TimeoutError):
                late.connect(sock.getsockname())
            [taken] = waiting(sock)
            with taken:
                early.sendall(b"still here")
                assert taken.recv(10) == b"still here"


def test_nobody_waits_at_a_listener_that_nobody_called():
    with listener("127.0.0.1", 0) as sock:
        assert waiting(sock) == []
