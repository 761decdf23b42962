"""Listens on many ports, of which one is served."""

import socket

kept = [socket.create_server(("", port)) for port in range(7000, 7020)]

import right
