"""Answers whatever has come, without waiting for the end of the line."""

import signal
import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080


def serve(connection):
    """Answer one client."""
    try:
        with connection:
            connection.sendall(b"220 ready\r\n")
            while data := connection.recv(4096):
                connection.sendall(data.upper())
    except ConnectionError:
        pass


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
