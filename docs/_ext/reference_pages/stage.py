"""The stage as a behaviour sees it: the methods that it may call, with their signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from grader.behaviours import Behaviour, Guest, Stage, passed
from grader.clients import personas
from grader.judgement import expectations
from reference_pages.markdown import definition, heading, page, prose

METHODS: dict[str, tuple[str, ...]] = {
    "Clients come and go": (
        *("connect", "connect_some", "connect_now", "connect_narrow", "dial", "at_once"),
        *("request", "dismiss", "forget"),
    ),
    "Wait and require": ("answered", "require", "settle", "rest", "perform", "stall", "pile_up"),
    "End the check": ("fail", "fail_observed", "finding", "require_descriptors"),
    "Measure": (
        "duty",
        "spin",
        "busier",
        "spins",
        "counts",
        "threads",
        "memory_held",
        "kept_for",
        "printed",
        "scene",
        "blocked_at_work",
        "gives_back",
        "regains",
        "waiting_in_queue",
        "accepted",
        "held_back_until_they_speak",
        "listeners",
        "bound",
        "port",
    ),
    "Look closer": ("look", "pump", "stacks", "python_stacks", "unread", "runtimes"),
    "The server's life": ("kill", "restart", "send_signal"),
}
"""What a behaviour may call on the stage, by what it is for. What is missing here is for those who run the checks."""

GUEST = ("ask", "announce", "say", "finish", "close", "reset", "name", "phase", "ending", "refused")
_ENUM = re.compile(r"<(\w+\.\w+): [^>]*>")
_EXPECTATIONS = ("Answered", "OneAnswered", "AnsweredOrRefused", "Ended", "Connected", "Kernel")
_PERSONAS = ("silent", "polite", "resetting", "half_closing", "fragmenting", "interrupted", "talking")


def fragments(_: Path) -> dict[str, str]:
    """The generated files by name."""
    sections = [page(heading(3, title), *(_member(Stage, name) for name in names)) for title, names in METHODS.items()]
    return {
        "stage.md": page(*sections),
        "guest.md": page(*(_member(Guest, name) for name in GUEST)),
        "behaviour.md": page(
            _member(Behaviour, "check"),
            *(_member(Behaviour, name) for name in ("waits_for_replies", "descriptors", "references", "problems")),
            definition(f"passed{_signature(passed)}", "passed", prose(passed.__doc__)),
        ),
        "expectations.md": page(*(_named(expectations, name) for name in _EXPECTATIONS)),
        "personas.md": page(*(_named(personas, name) for name in _PERSONAS)),
    }


def _member(owner: type, name: str) -> str:
    found = inspect.getattr_static(owner, name)
    called = "" if isinstance(found, property) else _signature(getattr(owner, name))
    return definition(f"{name}{called}", f"{owner.__name__.lower()}-{name}", prose(inspect.getdoc(found)))


def _named(module: Any, name: str) -> str:
    return definition(
        name, f"{module.__name__.rpartition('.')[2]}-{name.lower()}", prose(getattr(module, name).__doc__)
    )


def _signature(function: Any) -> str:
    """The parameters without `self` and without types: the docstring says what they are."""
    shown = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    ]
    return _ENUM.sub(r"\1", str(inspect.Signature(shown)))
