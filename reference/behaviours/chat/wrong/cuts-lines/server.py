"""Passes on whatever each recv() returns, so that the lines of two clients get mixed."""

import selectors
import socket
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080

selector = selectors.DefaultSelector()
begun = {}  # client -> the beginning of a line that is not whole yet
pending = {}  # client -> what it has not taken yet


def accept(listener):
    client, _ = listener.accept()
    client.setblocking(False)
    begun[client], pending[client] = b"", bytearray()
    selector.register(client, selectors.EVENT_READ)


def drop(client):
    if client in pending:
        selector.unregister(client)
        del begun[client], pending[client]
        client.close()


def receive(client):
    data = client.recv(4096)
    if not data:
        drop(client)
        return
    say(client, data)


def say(speaker, line):
    for client in pending:
        if client is not speaker:
            pending[client] += line
            selector.modify(client, selectors.EVENT_READ | selectors.EVENT_WRITE)


def send(client):
    sent = client.send(pending[client])
    del pending[client][:sent]
    if not pending[client]:
        selector.modify(client, selectors.EVENT_READ)


def attempt(action, client):
    if client in pending:
        try:
            action(client)
        except BlockingIOError:
            pass
        except OSError:
            drop(client)


def main():
    with socket.create_server(("", PORT), backlog=128) as listener:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, events in selector.select():
                if key.fileobj is listener:
                    accept(listener)
                    continue
                if events & selectors.EVENT_READ:
                    attempt(receive, key.fileobj)
                if events & selectors.EVENT_WRITE:
                    attempt(send, key.fileobj)


if __name__ == "__main__":
    main()
