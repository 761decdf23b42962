import queue
import signal
import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
WORKERS = 16
CHUNK = 4096


def serve(connection):
    """Answer one client until it stops sending."""
    with connection:
        while data := connection.recv(CHUNK):
            connection.sendall(data.upper())


def work(waiting):
    """What each worker does for ever."""
    while True:
        serve(waiting.get())


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    waiting = queue.Queue()
    for _ in range(WORKERS):
        threading.Thread(target=work, args=(waiting,), daemon=True).start()
    with socket.create_server(("", PORT), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            waiting.put(connection)


if __name__ == "__main__":
    main()
