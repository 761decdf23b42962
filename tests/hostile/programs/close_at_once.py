"""Closes every connection."""

import wrong_server

listener = wrong_server.listen()
while True:
    client, _ = listener.accept()
    client.close()
