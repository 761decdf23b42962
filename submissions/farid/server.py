"""Server with select: select tells us when somebody connects, then the client is served."""

import select
import socket
import threading


def serve_client(conn):
    with conn:
        while True:
            try:
                data = conn.recv(4096)
                if not data:
                    return
                conn.sendall(data.upper())
            except ConnectionError:
                return


def main():
    listener = socket.create_server(("", 8080), backlog=100)
    while True:
        readable, _, _ = select.select([listener], [], [])
        for sock in readable:
            conn, _ = sock.accept()
            threading.Thread(target=serve_client, args=(conn,), daemon=True).start()


main()
