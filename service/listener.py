"""The listening socket, opened before the slow imports so that a taken port is reported at once."""

import contextlib
import ctypes
import errno
import os
import socket
import struct
import sys

from .faults import BadSettings, PortTaken
from .writing import hand_the_kernel_little

BACKLOG = 2048
# That of OpenTelemetry's exporter for Prometheus.
METRICS_PORT = 9464
# linux/filter.h, socket(7): a classic BPF program, run on each segment that reaches the listening socket
# and dropping those that open a connection (SYN without ACK: byte 13 of the TCP header, RFC 9293).
SO_ATTACH_FILTER = 26
LOAD_BYTE, AND, JUMP_IF_EQUAL, RETURN = 0x30, 0x54, 0x15, 0x06
SYN, ACK = 0x02, 0x10
KEEP_WHOLE = 0xFFFFFFFF
DROP_NEW_CONNECTIONS = [
    (LOAD_BYTE, 0, 0, 13),
    (AND, 0, 0, SYN | ACK),
    (JUMP_IF_EQUAL, 0, 1, SYN),
    (RETURN, 0, 0, 0),
    (RETURN, 0, 0, KEEP_WHOLE),
]


def listener(host: str, port: int, variable: str = "PORT") -> socket.socket:
    """Listen from now on; connections wait in the backlog until the event loop accepts them.

    variable: the setting that has the port. Raises PortTaken, or BadSettings if the address is unusable for
    another reason.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise BadSettings(f"HOST: got {host!r}, which does not resolve ({error.strerror}).") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        hand_the_kernel_little(sock)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} on {host} is taken by another process; stop it, or set {variable} to a free "
                "port."
            ) from None
        raise BadSettings(
            f"HOST, {variable}: got {host!r}, {port}; the system says: {error.strerror}."
        ) from None
    sock.setblocking(False)
    return sock


def inherited(descriptor: int, variable: str) -> socket.socket:
    """Return a listening socket that the parent process opened. Raises BadSettings for any other."""
    try:
        sock = socket.socket(fileno=descriptor)
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise BadSettings(f"{variable}: got {descriptor}; the system says: {error.strerror}.") from None
    if not listens:
        sock.detach()
        raise BadSettings(f"{variable}: got {descriptor}, a socket that does not listen.")
    os.set_inheritable(descriptor, False)
    sock.setblocking(False)
    if sock.family != socket.AF_UNIX:
        hand_the_kernel_little(sock)
    return sock


def metrics_listener(host: str, port: int | None) -> socket.socket:
    """Listen for scrapes; without a port on the usual one, or on a free one where that is taken."""
    if port is not None:
        return listener(host, port, "METRICS_PORT")
    try:
        return listener(host, METRICS_PORT, "METRICS_PORT")
    except PortTaken:
        return listener(host, 0, "METRICS_PORT")


def address_of(sock: socket.socket) -> tuple[str, int]:
    """Return the host as in a URL (an IPv6 address in brackets), and the port."""
    host, port = sock.getsockname()[:2]
    return (f"[{host}]" if ":" in host else host), port


def turn_away(sock: socket.socket) -> None:
    """Stop new connections; those already begun can still be accepted.

    Closing a listening socket resets what came in since the last accept. With this before, there is nothing
    to reset: the kernel ignores a new connection, whose client tries again a second later and finds the port
    closed, or another server on it. If the system has no such filter (not Linux), nothing changes.
    """
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in DROP_NEW_CONNECTIONS)
    program = ctypes.create_string_buffer(code)
    pointer = struct.pack("HP", len(DROP_NEW_CONNECTIONS), ctypes.addressof(program))
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # gVisor has no filters
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, pointer)


def waiting(sock: socket.socket, most: int = BACKLOG) -> list[socket.socket]:
    """Accept and return the connections in the backlog. Raises OSError if not even one can be had."""
    taken: list[socket.socket] = []
    while len(taken) < most:
        try:
            taken.append(sock.accept()[0])
        except (BlockingIOError, ConnectionAbortedError):
            break
        except OSError:  # no descriptor is left
            if not taken:
                raise
            break
    return taken
