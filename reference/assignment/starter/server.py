"""Answers one client, once, in upper case. Make of it what the assignment asks for.

    python server.py 8080
"""

import os
import socket
import sys

HOST = ""
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("PORT", "8080"))


def main():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, PORT))
    listener.listen(128)

    # Your work begins here: one client, one message, and the server ends.
    connection, address = listener.accept()
    data = connection.recv(4096)
    connection.sendall(data.upper())
    connection.close()


if __name__ == "__main__":
    main()
