import select
import socket

listener = socket.create_server(("", 8080), backlog=100)
sockets = [listener]

while True:
    readable, _, _ = select.select(sockets, [], [])
    for sock in readable:
        if sock is listener:
            client, _ = listener.accept()
            if client.fileno() >= 1024:
                client.close()
            else:
                sockets.append(client)
            continue
        try:
            data = sock.recv(4096)
            if data:
                sock.sendall(data.upper())
                continue
        except OSError:
            pass
        sockets.remove(sock)
        sock.close()
