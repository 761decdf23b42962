"""What the grader needs to be installed with, in the versions that it is known to work with here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PACKAGE = "network-io-grader"


class NotInstalledError(RuntimeError):
    """The grader is not installed, so it is not known what it needs."""


def requirements(more: Iterable[str] = ()) -> list[str]:
    """Lines for pip: what the grader's own metadata asks for, and `more`.

    Raises:
        NotInstalledError: there is no metadata, as the grader runs from a folder without having been installed.
    """
    try:
        asked = distribution(_PACKAGE).requires or []
    except PackageNotFoundError:
        raise NotInstalledError(
            f"{_PACKAGE} is not installed here; install it, so that it is known what it needs"
        ) from None
    return [*sorted(line for line in asked if "extra ==" not in line), *more]


def constraints(wanted: Iterable[str]) -> list[str]:
    """The versions that are installed here of all these and of what they need, so that a later build is the same."""
    return sorted({f"{name}=={version}" for name, version in _closure(wanted)})


def _closure(wanted: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    queue = list(wanted)
    while queue:
        found = _NAME.match(queue.pop().strip())
        name = re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""
        if not name or name in seen:
            continue
        seen.add(name)
        try:
            there = distribution(name)
        except PackageNotFoundError:
            continue  # for another system, or the instructor's own
        yield name, there.version
        queue += [line for line in there.requires or [] if "extra ==" not in line]
