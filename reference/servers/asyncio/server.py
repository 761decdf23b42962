"""asyncio: one thread, an event loop, and a coroutine for each client.

`await` is where a coroutine gives way: the loop goes on with whoever has something to do, and comes back when the data
are there. So each client's story reads as in the blocking server, although nobody waits for anybody. Whatever blocks
without `await` blocks everyone.
"""

import asyncio
import contextlib
import signal
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096


async def serve(reader, writer):
    """Answer one client until it stops sending."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data.upper())
            await writer.drain()  # gives way until a slow client has taken enough
    except (ConnectionError, asyncio.CancelledError):
        pass  # the client has gone, or the whole server is being stopped
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def main():
    server = await asyncio.start_server(serve, "", PORT, backlog=128)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with server:
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
