import select
import socket

server = socket.socket()
server.bind(("", 8080))
server.listen(50)
sockets = [server]

while True:
    readable, _, _ = select.select(sockets, [], [])
    for sock in readable:
        if sock is server
            client, _ = server.accept()
            sockets.append(client)
        else:
            data = sock.recv(1024)
            if not data:
                sockets.remove(sock)
                sock.close()
            else:
                sock.sendall(data.upper())
