import signal
import socket

listener = socket.create_server(("", 8080))
connection, address = listener.accept()
while True:
    try:
        data = connection.recv(4096)
        if not data:
            break
        connection.sendall(data.upper())
    except OSError:
        break
connection.close()
signal.pause()
