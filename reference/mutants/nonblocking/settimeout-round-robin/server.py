import socket

listener = socket.create_server(("", 8080), backlog=100)
listener.settimeout(0.01)
clients = []

while True:
    try:
        connection, _ = listener.accept()
        connection.settimeout(0.01)
        clients.append(connection)
    except TimeoutError:
        pass
    for connection in list(clients):
        try:
            data = connection.recv(4096)
            if data:
                connection.sendall(data.upper())
                continue
        except TimeoutError:
            continue
        except OSError:
            pass
        clients.remove(connection)
        connection.close()
