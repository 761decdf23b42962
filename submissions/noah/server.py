import select
import socket


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("localhost", 8080))
    server.listen(50)

    sockets = [server]
    while True:
        readable, _, _ = select.select(sockets, [], [])
        for sock in readable:
            if sock is server:
                client, _ = server.accept()
                sockets.append(client)
            else:
                handle(sock, sockets)


def handle(sock, sockets):
    try:
        data = sock.recv(4096)
        if data:
            sock.sendall(data.upper())
            return
    except ConnectionError:
        pass
    sockets.remove(sock)
    sock.close()


if __name__ == "__main__":
    main()
