import select
import socket

listener = socket.create_server(("", 8080), backlog=100)

while True:
    select.select([listener], [], [])
    client, _ = listener.accept()
    with client:
        try:
            while data := client.recv(4096):
                client.sendall(data.upper())
        except ConnectionError:
            pass
