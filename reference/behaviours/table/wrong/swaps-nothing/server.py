"""Answers SWAP as it was asked."""

import asyncio
import contextlib
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080


def answer(line):
    match line.split(" ", 1):
        case ["PING"]:
            return "PONG"
        case ["ECHO", text] if text:
            return text
        case ["SWAP", words] if len(words.split()) == 2:
            first, second = words.split()
            return f"{first} {second}"
    return "ERROR"


async def serve(reader, writer):
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            line = await reader.readuntil(b"\n")
            writer.write(answer(line.decode().removesuffix("\n")).encode() + b"\n")
            await writer.drain()
    writer.close()


async def main():
    async with await asyncio.start_server(serve, "", PORT, backlog=128) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
