"""Three behaviours of a server, tested as they usually are: sockets, a timeout on each call, and a server on port 8080."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

PORT, PATIENCE = 8080, 5.0


@pytest.fixture
def server() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "server.py"], cwd=os.environ["SUBMISSION"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=PATIENCE).close()
            break
        except OSError:
            time.sleep(0.1)
    yield
    process.kill()
    process.wait()


def client() -> socket.socket:
    return socket.create_connection(("127.0.0.1", PORT), timeout=PATIENCE)


def exchange(connection: socket.socket, text: str) -> None:
    connection.sendall(text.encode())
    assert connection.recv(4096) == text.upper().encode()


@pytest.mark.usefixtures("server")
def test_echo() -> None:
    with client() as one:
        for number in range(5):
            exchange(one, f"message {number}")


@pytest.mark.usefixtures("server")
def test_clients_at_once() -> None:
    several = [client() for _ in range(50)]
    for number, one in enumerate(several):
        exchange(one, f"client {number}")
    for one in several:
        one.close()


@pytest.mark.usefixtures("server")
def test_others_are_served_when_some_leave() -> None:
    staying, leaving = [client() for _ in range(5)], [client() for _ in range(5)]
    for one in leaving:
        one.close()
    for number, one in enumerate(staying):
        exchange(one, f"client {number}")
        one.close()
