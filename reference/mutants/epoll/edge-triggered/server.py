"""epoll, edge-triggered: each arrival is told once. What a round leaves unread is never told again."""

import select
import signal
import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096
TURNS = 4  # how often it reads before it looks after the next client

poller = select.epoll()
clients = {}  # descriptor -> connection and the replies that it has not taken yet


def accept(listener):
    connection, _ = listener.accept()
    connection.setblocking(False)
    clients[connection.fileno()] = connection, bytearray()
    poller.register(connection, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)


def drop(connection):
    poller.unregister(connection)
    del clients[connection.fileno()]
    connection.close()


def receive(connection, pending):
    """Whether the client has more to say."""
    for _ in range(TURNS):
        data = connection.recv(CHUNK)
        if not data:
            return False
        pending += data.upper()
    return True


def attend(connection, pending):
    more = True
    try:
        try:
            more = receive(connection, pending)
        except BlockingIOError:
            pass  # all is read
        while pending:
            del pending[: connection.send(pending)]
    except BlockingIOError:
        pass  # there will be an event when it takes more
    except OSError:
        more = False
        pending.clear()
    if not more and not pending:
        drop(connection)


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=128) as listener:
        poller.register(listener, select.EPOLLIN)
        while True:
            for fd, _ in poller.poll():
                if fd == listener.fileno():
                    accept(listener)
                else:
                    attend(*clients[fd])


if __name__ == "__main__":
    main()
