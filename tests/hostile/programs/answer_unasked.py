"""Answers what the first check has asked elsewhere, before it is asked."""

import wrong_server

listener = wrong_server.listen()
while True:
    client, _ = listener.accept()
    client.sendall(b"HELLO" * 10)
    kept = client
