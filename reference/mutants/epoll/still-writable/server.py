import select
import signal
import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096
MOST_PENDING = 1 << 16


class Client:
    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection
        self.pending = bytearray()
        self.finished = False
        self.spoken = False

    def receive(self):
        data = self.connection.recv(CHUNK)
        self.pending += data.upper()
        self.spoken = self.spoken or bool(data)
        self.finished = not data

    def send(self):
        sent = self.connection.send(self.pending)
        del self.pending[:sent]  # send() may take less than it is given

    @property
    def events(self):
        reading = 0 if self.finished or len(self.pending) >= MOST_PENDING else select.EPOLLIN
        if self.finished and not self.pending:
            return 0
        return reading | (select.EPOLLOUT if self.spoken else 0)


class Server:
    def __init__(self, listener):
        self.listener = listener
        self.listener.setblocking(False)
        self.poller = select.epoll()
        self.poller.register(listener, select.EPOLLIN)
        self.clients = {}  # by descriptor, because that is what epoll tells

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
            if events & ~select.EPOLLOUT:
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
