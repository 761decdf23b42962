import select
import socket

listener = socket.create_server(("", 8080), backlog=100)
listener.setblocking(False)
sockets = [listener]
outbox = {}


def forget(sock):
    sockets.remove(sock)
    del outbox[sock]
    sock.close()


while True:
    writers = [s for s in outbox if outbox[s]]
    readers = [s for s in sockets if s is listener or len(outbox[s]) < 65536]
    readable, writable, _ = select.select(readers, writers, [])
    for sock in readable:
        if sock is listener:
            client, _ = listener.accept()
            if client.fileno() >= 1024:
                client.close()
                continue
            client.setblocking(False)
            outbox[client] = b""
            continue
        try:
            data = sock.recv(4096)
        except OSError:
            data = b""
        if data:
            outbox[sock] += data.upper()
        else:
            forget(sock)
    for sock in writable:
        if sock not in outbox:
            continue
        try:
            sent = sock.send(outbox[sock])
            outbox[sock] = outbox[sock][sent:]
        except OSError:
            forget(sock)
