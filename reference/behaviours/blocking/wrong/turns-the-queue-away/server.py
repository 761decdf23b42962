"""When a client has left, it turns away all who have been waiting."""

import signal
import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096


def serve(connection):
    """Answer one client until it stops sending."""
    try:
        while data := connection.recv(CHUNK):  # an empty result: the client has finished sending
            connection.sendall(data.upper())
    except ConnectionError:
        pass  # it has reset the connection; that is its own business and nobody else's


def turn_away(listener):
    """Close the connections of all who wait."""
    listener.setblocking(False)
    try:
        while True:
            listener.accept()[0].close()
    except BlockingIOError:
        listener.setblocking(True)


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=64) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                serve(connection)
            turn_away(listener)


if __name__ == "__main__":
    main()
