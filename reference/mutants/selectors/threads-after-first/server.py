import selectors
import signal
import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096
MOST_PENDING = 1 << 16

selector = selectors.DefaultSelector()


def talk(connection, data):
    connection.setblocking(True)
    try:
        while data:
            connection.sendall(data.upper())
            data = connection.recv(CHUNK)
    except OSError:
        pass
    connection.close()


class Client:
    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection
        self.pending = bytearray()
        self.finished = False
        selector.register(connection, self.events, self.ready)

    @property
    def events(self):
        reading = 0 if self.finished or len(self.pending) >= MOST_PENDING else selectors.EVENT_READ
        return reading | (selectors.EVENT_WRITE if self.pending else 0)

    def ready(self, happened):
        try:
            if happened & selectors.EVENT_READ:
                data = self.connection.recv(CHUNK)
                if data:
                    selector.unregister(self.connection)
                    threading.Thread(target=talk, args=(self.connection, data), daemon=True).start()
                    return
                self.finished = not data
            if self.pending:
                sent = self.connection.send(self.pending)
                del self.pending[:sent]  # send() may take less than it is given
        except BlockingIOError:
            pass
        except OSError:
            self.pending.clear()
            self.finished = True
        if self.events:
            selector.modify(self.connection, self.events, self.ready)
        else:
            selector.unregister(self.connection)
            self.connection.close()


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=128) as listener:
        listener.setblocking(False)

        def accept(_):
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            Client(connection)

        selector.register(listener, selectors.EVENT_READ, accept)
        while True:
            for key, happened in selector.select():
                key.data(happened)


if __name__ == "__main__":
    main()
