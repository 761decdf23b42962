import socket
import threading

listener = socket.create_server(("", 8080), backlog=128)


def serve(connection):
    with connection:
        try:
            while True:
                data = connection.recv(4096)
                connection.sendall(data.upper())
        except ConnectionError:
            pass


while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
