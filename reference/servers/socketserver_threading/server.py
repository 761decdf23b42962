"""socketserver.ThreadingTCPServer: the library accepts and makes a thread for each client, a handler serves it."""

import signal
import socketserver
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096
POLL = 0.05  # seconds: how often it looks whether it is to stop


class UpperCase(socketserver.BaseRequestHandler):
    """Answers one client until it stops sending; the library makes one of these for each, in its own thread."""

    def handle(self):
        try:
            while data := self.request.recv(CHUNK):
                self.request.sendall(data.upper())
        except ConnectionError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = True


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with Server(("", PORT), UpperCase) as server:
        server.serve_forever(POLL)


if __name__ == "__main__":
    main()
