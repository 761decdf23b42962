import select
import socket

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", 8080))
server.listen(100)
server.setblocking(False)
sockets = [server]

while True:
    readable, _, _ = select.select(sockets, [], [])
    for sock in readable:
        if sock is server:
            client, _ = server.accept()
            if client.fileno() >= 1024:
                client.close()
                continue
            client.setblocking(False)
            sockets.append(client)
            continue
        try:
            data = sock.recv(4096)
            if data:
                sock.send(data.upper())
                continue
        except BlockingIOError:
            continue
        except OSError:
            pass
        sockets.remove(sock)
        sock.close()
