import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor


def serve(connection):
    with connection:
        try:
            while data := connection.recv(4096):
                connection.sendall(data.upper())
        except ConnectionError:
            pass


async def main():
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(200)
    listener = socket.create_server(("", 8080), backlog=100)
    listener.setblocking(False)
    while True:
        connection, _ = await loop.sock_accept(listener)
        connection.setblocking(True)
        loop.run_in_executor(executor, serve, connection)


asyncio.run(main())
