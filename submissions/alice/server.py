"""Upper-case echo server: one thread, select() over all sockets, replies buffered per client."""

import select
import socket

HOST, PORT = "", 8080
CHUNK = 4096
MOST_PENDING = 1 << 16
MOST_DESCRIPTORS = 1024  # select() takes none above that

pending = {}  # connected socket -> bytes that it has not taken yet
finished = set()  # clients who will send no more, but still have replies to take


def accept(listener):
    connection, _ = listener.accept()
    if connection.fileno() >= MOST_DESCRIPTORS:
        connection.close()
        return
    connection.setblocking(False)
    pending[connection] = bytearray()


def drop(connection):
    del pending[connection]
    finished.discard(connection)
    connection.close()


def receive(connection):
    try:
        data = connection.recv(CHUNK)
    except BlockingIOError:
        return
    except OSError:
        drop(connection)
        return
    if data:
        pending[connection] += data.upper()
    elif pending[connection]:
        finished.add(connection)
    else:
        drop(connection)


def send(connection):
    try:
        sent = connection.send(pending[connection])
    except BlockingIOError:
        return
    except OSError:
        drop(connection)
        return
    del pending[connection][:sent]
    if connection in finished and not pending[connection]:
        drop(connection)


def serve(listener):
    while True:
        # A client who does not take its replies gets to send no more until it does.
        reading = [c for c in pending if c not in finished and len(pending[c]) < MOST_PENDING]
        writing = [c for c in pending if pending[c]]
        readable, writable, _ = select.select([listener, *reading], writing, [])
        for ready in readable:
            if ready is listener:
                accept(listener)
            else:
                receive(ready)
        for ready in writable:
            if ready in pending:
                send(ready)


def main():
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, PORT))
        listener.listen(128)
        listener.setblocking(False)
        serve(listener)


if __name__ == "__main__":
    main()
