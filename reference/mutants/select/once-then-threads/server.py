import select
import socket
import threading

listener = socket.create_server(("", 8080), backlog=100)


def serve(connection):
    select.select([connection], [], [])  # once, then never again
    with connection:
        try:
            while data := connection.recv(4096):
                connection.sendall(data.upper())
        except ConnectionError:
            pass


while True:
    readable, _, _ = select.select([listener], [], [])
    for sock in readable:
        connection, _ = sock.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
