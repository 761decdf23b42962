import select
import socket

backlog = {}  # client -> replies that the kernel has not taken yet


def leave(client):
    del backlog[client]
    client.close()


def flush(client):
    try:
        taken = client.send(backlog[client])
        del backlog[client][:taken]
    except BlockingIOError:
        pass
    except OSError:
        leave(client)


def read(client):
    try:
        data = client.recv(4096)
    except BlockingIOError:
        return
    except OSError:
        leave(client)
        return
    if not data:
        leave(client)
        return
    backlog[client] += data.upper()
    flush(client)


with socket.create_server(("", 8080), backlog=100) as listener:
    listener.setblocking(False)
    while True:
        readers = [c for c in backlog if len(backlog[c]) < 65536]
        writers = [c for c in backlog if backlog[c]]
        readable, writable, _ = select.select([listener, *readers], writers, [])
        for client in writable:
            flush(client)
        for client in readable:
            if client is listener:
                new, _ = listener.accept()
                if new.fileno() >= 1024:
                    new.close()
                    continue
                new.setblocking(False)
                backlog[new] = bytearray()
            elif client in backlog:
                read(client)
