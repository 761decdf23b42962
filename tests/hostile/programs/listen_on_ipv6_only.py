"""Listens on ::1 only."""

import socket

import right_server

listener = socket.create_server(("::1", 8080), family=socket.AF_INET6)
listener.setblocking(False)
right_server.serve(listener)
