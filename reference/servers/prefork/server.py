"""Prefork: a fixed number of processes, made before the first client comes, all accept from the same listener.

The kernel hands each new connection to one of those that wait in accept(). That one serves it to its end and comes
back. As many clients are served at once as there are processes; the others wait in the listener's queue. The parent
serves nobody: it waits for children, and replaces one that has died.
"""

import os
import signal
import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
WORKERS = 4
CHUNK = 4096

children = set()


def serve(connection):
    """Answer one client until it stops sending."""
    try:
        while data := connection.recv(CHUNK):
            connection.sendall(data.upper())
    except ConnectionError:
        pass


def work(listener):
    """What each worker process does for ever."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends its workers
    while True:
        connection, _ = listener.accept()
        with connection:
            serve(connection)


def make_worker(listener):
    pid = os.fork()
    if not pid:
        try:
            work(listener)
        finally:
            os._exit(1)
    children.add(pid)


def stop(*_):
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    sys.exit()


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, stop)
    with socket.create_server(("", PORT), backlog=128) as listener:
        for _ in range(WORKERS):
            make_worker(listener)
        while True:
            pid, _ = os.wait()
            children.discard(pid)
            make_worker(listener)


if __name__ == "__main__":
    main()
