import select
import socket

listener = socket.create_server(("", 8080), backlog=100)
listener.setblocking(False)
outbox = {}

while True:
    readable, writable, _ = select.select([listener, *outbox], list(outbox), [])
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
        except BlockingIOError:
            continue
        except OSError:
            data = b""
        if data:
            outbox[sock] += data.upper()
        elif not outbox[sock]:
            del outbox[sock]
            sock.close()
    for sock in writable:
        if sock not in outbox:
            continue
        try:
            sent = sock.send(outbox[sock])
            outbox[sock] = outbox[sock][sent:]
        except BlockingIOError:
            continue
        except OSError:
            del outbox[sock]
            sock.close()
