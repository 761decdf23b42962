"""Processes: one for each client, made with fork().

The child inherits the connection, closes the listener, serves, and ends. The parent closes its copy of the connection:
as long as anybody holds one open, the client would never see the end. It also waits for children that have ended, or
they would stay behind as zombies.
"""

import os
import signal
import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096

STOPPING = {signal.SIGINT, signal.SIGTERM}  # Ctrl-C, and what a service manager sends
children = set()


def serve(connection):
    """Answer one client until it stops sending; runs in the client's own process."""
    try:
        while data := connection.recv(CHUNK):
            connection.sendall(data.upper())
    except ConnectionError:
        pass


def reap(*_):
    """Take note of every child that has ended (SIGCHLD may stand for several)."""
    while children:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        children.discard(pid)


def stop(*_):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # or the set would change under the loop
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    sys.exit()


def run_child(listener, connection):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends its children
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, *STOPPING})
    listener.close()
    with connection:
        serve(connection)
    os._exit(0)  # do not run what the parent would run at its end


def main():
    for number in STOPPING:
        signal.signal(number, stop)
    signal.signal(signal.SIGCHLD, reap)
    with socket.create_server(("", PORT), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            # Until the child is noted down its end must not be handled.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, *STOPPING})
            pid = os.fork()
            if pid:
                children.add(pid)
            if not pid:
                run_child(listener, connection)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, *STOPPING})
            connection.close()


if __name__ == "__main__":
    main()
