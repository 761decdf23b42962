import os
import socket

listener = socket.create_server(("", 8080), backlog=100)

while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        listener.close()
        try:
            while data := connection.recv(4096):
                connection.sendall(data.upper())
        except ConnectionError:
            pass
        os._exit(0)
    connection.close()
