"""Threads: one for each client, each in blocking calls of its own.

The main thread does nothing but accept. Whoever connects gets a thread, which reads and answers just as the blocking
server does; that it waits disturbs nobody, because nobody else depends on it. A thread costs memory and a switch.
"""

import signal
import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096


def serve(connection):
    """Answer one client until it stops sending; runs in the client's own thread."""
    with connection:
        try:
            while data := connection.recv(CHUNK):
                connection.sendall(data.upper())
        except ConnectionError:
            pass


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            # A daemon thread does not keep the program alive when the main thread ends.
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
