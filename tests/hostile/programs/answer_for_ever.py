"""Answers rightly, and goes on for ever."""

import wrong_server

listener = wrong_server.listen()
while True:
    client, _ = listener.accept()
    data = client.recv(4096)
    client.sendall(data.upper())
    try:
        while True:
            client.send(data.upper() * 100)
    except OSError:
        pass
