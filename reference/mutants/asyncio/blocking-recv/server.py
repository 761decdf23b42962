import asyncio
import socket


async def serve(connection):
    connection.setblocking(True)
    with connection:
        try:
            while data := connection.recv(4096):
                connection.sendall(data.upper())
                await asyncio.sleep(0)
        except ConnectionError:
            pass


async def main():
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("", 8080), backlog=100)
    listener.setblocking(False)
    while True:
        connection, _ = await loop.sock_accept(listener)
        await serve(connection)


asyncio.run(main())
