import select
import socket

HOST = "127.0.0.1"
PORT = 8080


def make_listener(host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(host, port)
    listener.listen(50)
    return listener


def main():
    sockets = [make_listener(HOST, PORT)]
    while True:
        readable, _, _ = select.select(sockets, [], [])
        for sock in readable:
            if sock is sockets[0]:
                client, _ = sock.accept()
                sockets.append(client)
                continue
            data = sock.recv(1024)
            if data:
                sock.sendall(data.upper())
            else:
                sockets.remove(sock)
                sock.close()


main()
