import asyncio
import time


async def serve(reader, writer):
    try:
        while data := await reader.read(4096):
            time.sleep(0.005)
            writer.write(data.upper())
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "", 8080)
    async with server:
        await server.serve_forever()


asyncio.run(main())
