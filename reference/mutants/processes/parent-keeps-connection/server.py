import os
import signal
import socket

signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the children
listener = socket.create_server(("", 8080), backlog=100)
connections = []

while True:
    connection, _ = listener.accept()
    connections.append(connection)
    if os.fork() == 0:
        listener.close()
        try:
            while data := connection.recv(4096):
                connection.sendall(data.upper())
        except ConnectionError:
            pass
        os._exit(0)
