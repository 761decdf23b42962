import os
import socket

listener = socket.create_server(("", 8080), backlog=128)


def serve(connection):
    try:
        while data := connection.recv(4096):
            connection.sendall(data.upper())
    except ConnectionError:
        pass


while True:
    connection, _ = listener.accept()
    pid = os.fork()
    if pid == 0:
        listener.close()
        serve(connection)
        os._exit(0)
    connection.close()
    os.waitpid(pid, 0)
