"""Gives each client two threads, one that reads and one that sends."""

import queue
import signal
import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096


def serve(connection):
    """Answer one client until it stops sending; runs in the client's own thread."""
    replies = queue.Queue()
    threading.Thread(target=send, args=(connection, replies), daemon=True).start()
    try:
        while data := connection.recv(CHUNK):
            replies.put(data.upper())
    except ConnectionError:
        pass
    replies.put(b"")


def send(connection, replies):
    """Send what there is to send to one client; runs in a second thread."""
    with connection:
        try:
            while data := replies.get():
                connection.sendall(data)
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
