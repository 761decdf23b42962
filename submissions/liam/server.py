import select
import socket

PORT = 8080

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", PORT))
server.listen(100)

sockets = [server]

while True:
    readable, _, _ = select.select(sockets, [], [])
    for sock in readable:
        if sock is server:
            client, address = server.accept()
            sockets.append(client)
            continue
        try:
            data = sock.recv(4096)
            if data:
                sock.sendall(data.upper())
            else:
                sock.close()
        except OSError:
            sock.close()
