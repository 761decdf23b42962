"""Does not greet anybody; answers each whole line in upper case; a thread for each client."""

import signal
import socket
import sys
import threading

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080


def serve(connection):
    """Answer one client; what it has sent of a line that is not whole yet waits for the rest."""
    begun = b""
    try:
        with connection:
            while data := connection.recv(4096):
                *lines, begun = (begun + data).split(b"\r\n")
                for line in lines:
                    connection.sendall(line.upper() + b"\r\n")
    except ConnectionError:
        pass


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
