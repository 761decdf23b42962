"""Listens with a backlog of 0."""

import socket

import right_server

listener = socket.create_server(("", 8080), backlog=0)
listener.setblocking(False)
right_server.serve(listener)
