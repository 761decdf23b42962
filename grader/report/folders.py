"""Where the report of each submission goes: a folder of its own, whatever the submission is called."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

_UNUSUAL = re.compile(r"[^\w .,+=@()-]")
_LONGEST = 100
"""Bytes of a folder's name."""
_DIGEST = 12
_TAKEN = frozenset({"index.html", "grades.csv", "junit.xml", "results.jsonl", "report.html", "report.json"})
"""Names of files that may lie beside the folders."""

Place = Sequence[str]
"""A submission's name, and before it the folders in which it lies, the innermost last."""


def report_folders(places: Sequence[Place]) -> list[str]:
    """The name of a folder for each submission: its own, as far as it is fit for one, and no name twice.

    Submissions of one name are told apart by the folders that they lie in (`a-server`, `b-server`), those that lie
    in one folder by a number. Names that differ only in case count as one, as there are file systems that think so.
    """
    depths = [1] * len(places)
    while True:
        names = [folder_name("-".join(place[-depth:])) for place, depth in zip(places, depths, strict=True)]
        often = Counter(name.casefold() for name in names)
        deeper = [
            depth + (often[name.casefold()] > 1 and depth < len(place))
            for name, place, depth in zip(names, places, depths, strict=True)
        ]
        if deeper == depths:
            return _numbered(names)
        depths = deeper


def _numbered(names: Sequence[str]) -> list[str]:
    taken = Counter(name.casefold() for name in names)
    found: list[str] = []
    seen: set[str] = set()
    for name in names:
        number, own = 2, name
        while own.casefold() in seen or (number > 2 and own.casefold() in taken):  # noqa: PLR2004 - the first number
            own, number = f"{name}-{number}", number + 1
        seen.add(own.casefold())
        found.append(own)
    return found


def folder_name(name: str) -> str:
    """A name as one of a visible folder on every system; one that is too long is cut, and told apart by a digest."""
    fit = _UNUSUAL.sub("_", name).rstrip(" .")
    if not fit or fit[0] in " .-" or fit.casefold() in _TAKEN:
        fit = f"_{fit.lstrip(' .-') if fit[:1] in ' .-' else fit}"
    if len(fit.encode()) <= _LONGEST:
        return fit
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    head = fit.encode()[: _LONGEST - _DIGEST - 1].decode(errors="ignore")
    return f"{head}-{digest}"
