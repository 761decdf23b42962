"""Listens on 127.0.0.2 only."""

import socket

import right_server

listener = socket.create_server(("127.0.0.2", 8080), family=socket.AF_INET)
listener.setblocking(False)
right_server.serve(listener)
