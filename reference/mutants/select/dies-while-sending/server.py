import select
import socket

outgoing = {}  # client -> what it has not taken yet
done = set()  # clients who have nothing more to say


def goodbye(client):
    outgoing.pop(client)
    done.discard(client)
    client.close()


def hear(client):
    try:
        data = client.recv(4096)
    except BlockingIOError:
        return
    except ConnectionError:
        goodbye(client)
        return
    if data:
        outgoing[client] += data.upper()
    elif outgoing[client]:
        done.add(client)
    else:
        goodbye(client)


def tell(client):
    taken = client.send(outgoing[client])
    del outgoing[client][:taken]
    if client in done and not outgoing[client]:
        goodbye(client)


with socket.create_server(("", 8080), backlog=100) as listener:
    listener.setblocking(False)
    while True:
        hearing = [c for c in outgoing if c not in done and len(outgoing[c]) < 65536]
        telling = [c for c in outgoing if outgoing[c]]
        readable, writable, _ = select.select([listener, *hearing], telling, [])
        if listener in readable:
            readable.remove(listener)
            client, _ = listener.accept()
            if client.fileno() < 1024:
                client.setblocking(False)
                outgoing[client] = bytearray()
            else:
                client.close()
        for client in readable:
            hear(client)
        for client in writable:
            if client in outgoing:
                tell(client)
