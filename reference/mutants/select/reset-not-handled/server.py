import select
import socket

listener = socket.create_server(("", 8080), backlog=100)
listener.setblocking(False)
sockets = [listener]
outbox = {}


def forget(sock):
    if sock in sockets:
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
            sockets.append(client)
            outbox[client] = b""
            continue
        data = sock.recv(4096)
        if data:
            outbox[sock] += data.upper()
        elif outbox[sock]:
            sockets.remove(sock)
        else:
            forget(sock)
    for sock in writable:
        if sock not in outbox:
            continue
        sent = sock.send(outbox[sock])
        outbox[sock] = outbox[sock][sent:]
        if not outbox[sock] and sock not in sockets:
            forget(sock)
