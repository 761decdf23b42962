"""The IO models by name: which facets of what the kernel shows each of them allows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from grader.spec.parts import Part, as_list

Workers = Literal["single", "threads", "processes", "pool"]
MadeOf = Literal["threads", "processes"]
WaitsIn = Literal["accept", "recv", "sleep", "running", "select", "poll", "epoll", "io_uring"]
Sockets = Literal["blocking", "nonblocking", "mixed"]
Library = Literal["asyncio", "selectors", "socketserver", "libuv", "java.nio", "go", "none"]


class Facets(Part):
    """The allowed facets of an IO model; a facet that is left out may be anything."""

    workers: Annotated[list[Workers], BeforeValidator(as_list)] = Field(
        default_factory=list, description="who serves: one thread, a thread or process for each client, or a pool"
    )
    made_of: Annotated[list[MadeOf], BeforeValidator(as_list)] = Field(
        default_factory=list, description="what a pool is made of"
    )
    waits: Annotated[list[WaitsIn], BeforeValidator(as_list)] = Field(
        default_factory=list, description="the calls in which threads may wait for the network"
    )
    sockets: Annotated[list[Sockets], BeforeValidator(as_list)] = Field(
        default_factory=list, description="whether its sockets are nonblocking (O_NONBLOCK)"
    )
    library: Annotated[list[Library], BeforeValidator(as_list)] = Field(
        default_factory=list, description="the library whose loop runs it"
    )


_BLOCKING: list[WaitsIn] = ["accept", "recv"]

MODELS: dict[str, Facets] = {
    "blocking": Facets(workers=["single"], waits=_BLOCKING),
    "threads": Facets(workers=["threads"], waits=_BLOCKING),
    "thread_pool": Facets(workers=["pool"], made_of=["threads"], waits=_BLOCKING),
    "processes": Facets(workers=["processes"], waits=_BLOCKING),
    "prefork": Facets(workers=["pool"], made_of=["processes"], waits=_BLOCKING),
    "nonblocking": Facets(workers=["single"], waits=["sleep", "running"], sockets=["nonblocking"]),
    "select": Facets(workers=["single"], waits=["select"]),
    "poll": Facets(workers=["single"], waits=["poll"], library=["none"]),
    "epoll": Facets(workers=["single"], waits=["epoll"], library=["none"]),
    "selectors": Facets(workers=["single"], waits=["select", "poll", "epoll"], library=["selectors", "java.nio"]),
    "asyncio": Facets(workers=["single"], waits=["epoll", "select", "poll"], library=["asyncio"]),
    "event_loop": Facets(workers=["single"], waits=["epoll"], library=["libuv"]),
    "goroutines": Facets(workers=["single"], waits=["epoll"], library=["go"]),
    "socketserver": Facets(workers=["single"], waits=_BLOCKING, library=["socketserver"]),
    "socketserver_threading": Facets(workers=["threads"], waits=_BLOCKING, library=["socketserver"]),
    "socketserver_forking": Facets(workers=["processes"], waits=_BLOCKING, library=["socketserver"]),
    "io_uring": Facets(workers=["single"], waits=["io_uring"]),
}
"""The models that a spec can name."""
