"""poll(): one thread waits for all sockets at once, without select()'s limit of 1,024 descriptors.

Every socket is registered once with the events that matter; poll() sleeps until one of them happens and returns pairs
of a descriptor and what happened. The registration is changed only when it must: a client is watched for writing while
there is something to send to it, and not watched for reading while it does not take its replies.
"""

import select
import signal
import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096
MOST_PENDING = 1 << 16


class Client:
    """A connection, the replies that it has not taken yet, and whether it has finished sending."""

    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection
        self.pending = bytearray()
        self.finished = False

    def receive(self):
        data = self.connection.recv(CHUNK)
        self.pending += data.upper()
        self.finished = not data

    def send(self):
        sent = self.connection.send(self.pending)
        del self.pending[:sent]  # send() may take less than it is given

    @property
    def events(self):
        """What to watch it for; nothing at all means that it is done."""
        reading = 0 if self.finished or len(self.pending) >= MOST_PENDING else select.POLLIN
        return reading | (select.POLLOUT if self.pending else 0)


class Server:
    def __init__(self, listener):
        self.listener = listener
        self.listener.setblocking(False)
        self.poller = select.poll()
        self.poller.register(listener, select.POLLIN)
        self.clients = {}  # by descriptor, because that is what poll() tells

    def run(self):
        while True:
            for fd, events in self.poller.poll():
                if fd == self.listener.fileno():
                    self.accept()
                else:
                    self.attend(self.clients[fd], events)

    def accept(self):
        try:
            connection, _ = self.listener.accept()
        except BlockingIOError:
            return  # the client has left before we came to it
        client = Client(connection)
        self.clients[connection.fileno()] = client
        self.poller.register(connection, client.events)

    def attend(self, client, events):
        try:
            # An error or a hang-up shows as soon as we read.
            if events & ~select.POLLOUT:
                client.receive()
            if client.pending:
                client.send()
        except BlockingIOError:
            pass
        except OSError:
            client.pending.clear()
            client.finished = True
        if client.events:
            self.poller.modify(client.connection, client.events)
        else:
            self.drop(client)

    def drop(self, client):
        self.poller.unregister(client.connection)
        del self.clients[client.connection.fileno()]
        client.connection.close()


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=128) as listener:
        Server(listener).run()


if __name__ == "__main__":
    main()
