import select
import socket

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("0.0.0.0", 8080))
server.listen(100)

sockets = [server]

while True:
    readable, _, _ = select.select(sockets, [], [])
    for sock in readable:
        if sock is server:
            client, address = server.accept()
            sockets.append(client)
        else:
            try:
                data = sock.recv(4096)
                sock.sendall(data.upper())
            except ConnectionError:
                sockets.remove(sock)
                sock.close()
