"""The client that students write first: type a line, see the reply.

    python reference/clients/prompt.py 127.0.0.1 8080
"""

import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])

with socket.create_connection((host, port)) as connection:
    while True:
        try:
            line = input("> ") + "\n"
        except EOFError:
            break
        connection.sendall(line.encode())
        reply = b""
        while not reply.endswith(b"\n"):  # the reply may come in pieces
            reply = connection.recv(4096)
            if not reply:
                sys.exit("the server has closed the connection")
            print(reply.decode(errors="replace"), end="", flush=True)
