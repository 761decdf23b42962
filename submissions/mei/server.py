"""Echo server in upper case. Every reply goes into a queue; select()'s write list says when to send."""

import collections
import select
import socket
import sys

port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080

listener = socket.create_server(("", port), backlog=64)
listener.setblocking(False)

connections = [listener]
queues = {}
half_closed = []


def close(conn):
    connections.remove(conn)
    queues.pop(conn)
    if conn in half_closed:
        half_closed.remove(conn)
    conn.close()


while True:
    read_list = [c for c in connections if c not in half_closed and (c is listener or len(queues[c]) < 32)]
    write_list = [c for c in connections if c is not listener and queues[c]]
    readable, writable, _ = select.select(read_list, write_list, [])

    for conn in writable:
        chunk = queues[conn].popleft()
        try:
            sent = conn.send(chunk)
        except OSError:
            close(conn)
            continue
        if sent < len(chunk):
            queues[conn].appendleft(chunk[sent:])
        elif not queues[conn] and conn in half_closed:
            close(conn)

    for conn in readable:
        if conn is listener:
            new, _ = listener.accept()
            if new.fileno() >= 1024:
                new.close()
                continue
            new.setblocking(False)
            connections.append(new)
            queues[new] = collections.deque()
            continue
        if conn not in queues:
            continue
        try:
            data = conn.recv(8192)
        except OSError:
            close(conn)
            continue
        if data:
            queues[conn].append(data.upper())
        elif queues[conn]:
            half_closed.append(conn)
        else:
            close(conn)
