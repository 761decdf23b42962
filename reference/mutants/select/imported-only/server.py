import select
import socket
import threading

assert select.select


def serve(connection):
    with connection:
        try:
            while data := connection.recv(4096):
                connection.sendall(data.upper())
        except ConnectionError:
            pass


listener = socket.create_server(("", 8080), backlog=100)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
