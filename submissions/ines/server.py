import select
import socket

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", 8080))

sockets = [server]
print("waiting for clients...")

while True:
    readable, _, _ = select.select(sockets[1:], [], [])
    for sock in readable:
        if sock is server:
            client, _ = server.accept()
            sockets.append(client)
        else:
            data = sock.recv(1024)
            if data:
                sock.sendall(data.upper())
            else:
                sockets.remove(sock)
                sock.close()
