"""Nonblocking: one thread that asks every socket in turn, and never waits for any of them.

On a nonblocking socket accept(), recv() and send() return at once; BlockingIOError means "nothing now, ask again". So
one thread can look after everybody. But somebody has to decide when to ask again: asking without pause burns a whole
core, so the loop takes a short nap whenever a whole round has found nothing to do, and a longer one each time that
nothing is found again. Each reply may be late by one nap.
"""

import signal
import socket
import sys
import time

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096
MOST_PENDING = 1 << 16
SHORTEST_NAP, LONGEST_NAP = 0.0005, 0.005  # seconds


class Client:
    """A connection, the replies that it has not taken yet, and whether it has finished sending."""

    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection
        self.pending = bytearray()
        self.finished = False

    def receive(self):
        """Read once if there is room for the reply; True if anything was done."""
        if self.finished or len(self.pending) >= MOST_PENDING:
            return False
        try:
            data = self.connection.recv(CHUNK)
        except BlockingIOError:
            return False
        if data:
            self.pending += data.upper()
        else:
            self.finished = True
        return True

    def send(self):
        """Send once if there is something to send; True if anything was done."""
        if not self.pending:
            return False
        try:
            sent = self.connection.send(self.pending)
        except BlockingIOError:
            return False
        del self.pending[:sent]  # send() may take less than it is given
        return True

    @property
    def done(self):
        return self.finished and not self.pending


def accept(listener, clients):
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    clients.append(Client(connection))
    return True


def visit(client, clients):
    """One round for one client."""
    try:
        moved = client.receive() | client.send()
        leaves = client.done
    except ConnectionError:
        moved = leaves = True
    if leaves:
        clients.remove(client)
        client.connection.close()
    return moved


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    clients, nap = [], SHORTEST_NAP
    with socket.create_server(("", PORT), backlog=128) as listener:
        listener.setblocking(False)
        while True:
            moved = accept(listener, clients)
            for client in list(clients):
                moved |= visit(client, clients)
            waiting = any(client.pending for client in clients)
            if moved:
                nap = SHORTEST_NAP
            else:
                time.sleep(nap)
                # A reply that could not be sent may go out at any moment: soon is better than late.
                nap = SHORTEST_NAP if waiting else min(2 * nap, LONGEST_NAP)


if __name__ == "__main__":
    main()
