"""Has never more threads than a pool, but makes one for each client."""

import signal
import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
WORKERS = 8
CHUNK = 4096


def serve(connection):
    """Answer one client until it stops sending."""
    with connection:
        try:
            while data := connection.recv(CHUNK):
                connection.sendall(data.upper())
        except ConnectionError:
            pass


room = threading.Semaphore(WORKERS)


def work(connection):
    try:
        serve(connection)
    finally:
        room.release()


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            room.acquire()
            threading.Thread(target=work, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
