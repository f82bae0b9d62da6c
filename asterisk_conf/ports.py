"""Ports for an Asterisk that lives for a moment: a trial, a demo."""

import socket


def free_port(kind: socket.SocketKind) -> int:
    """A port of 127.0.0.1 that nobody has now, of that kind (SOCK_DGRAM or SOCK_STREAM)."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
