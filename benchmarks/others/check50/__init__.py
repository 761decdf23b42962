"""The same three behaviours for check50; each depends on the one before, for all need the one port."""

import contextlib
import socket
import subprocess
import sys
import time

import check50

PORT, PATIENCE = 8080, 5.0


@contextlib.contextmanager
def server():
    process = subprocess.Popen([sys.executable, "server.py"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=PATIENCE).close()
            break
        except OSError:
            time.sleep(0.1)
    try:
        yield
    except OSError as error:
        raise check50.Failure(str(error)) from error
    finally:
        process.kill()
        process.wait()


def client():
    return socket.create_connection(("127.0.0.1", PORT), timeout=PATIENCE)


def exchange(connection, text):
    connection.sendall(text.encode())
    if connection.recv(4096) != text.upper().encode():
        raise check50.Failure("not the reply that was expected")


@check50.check()
def echo():
    """Answers one client"""
    with server(), client() as one:
        for number in range(5):
            exchange(one, f"message {number}")


@check50.check(echo)
def clients_at_once():
    """Serves clients at once"""
    with server(), contextlib.ExitStack() as stack:
        several = [stack.enter_context(client()) for _ in range(50)]
        for number, one in enumerate(several):
            exchange(one, f"client {number}")


@check50.check(clients_at_once)
def others_are_served():
    """Serves the others when some leave"""
    with server(), contextlib.ExitStack() as stack:
        staying = [stack.enter_context(client()) for _ in range(5)]
        for one in [client() for _ in range(5)]:
            one.close()
        for number, one in enumerate(staying):
            exchange(one, f"client {number}")
