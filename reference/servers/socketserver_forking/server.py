"""socketserver.ForkingTCPServer: the library accepts and makes a process for each client, a handler serves it.

It keeps no more than `max_children` (40) at once: whoever comes then waits until one has left.
"""

import contextlib
import os
import signal
import socketserver
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096
POLL = 0.015  # seconds: how often it looks whether it is to stop, and for children that have ended


class UpperCase(socketserver.BaseRequestHandler):
    """Answers one client until it stops sending; the library makes one of these for each, in its own process."""

    def handle(self):
        try:
            while data := self.request.recv(CHUNK):
                self.request.sendall(data.upper())
        except ConnectionError:
            pass


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    block_on_close = False

    def server_close(self):
        # The children hold the listener too: whoever leaves one behind leaves the port taken.
        for pid in self.active_children or ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        super().server_close()


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with Server(("", PORT), UpperCase) as server:
        server.serve_forever(POLL)


if __name__ == "__main__":
    main()
