"""Servers of which it is known whether they are right: what a spec is tested with."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from grader.behaviours import catalogue
from grader.spec import Problem, Spec, SpecError, bundled_folder, find_spec, is_entry, load_spec
from grader.words import say

_BUNDLED = ("servers", "mutants")
_OWN = {"right": True, "wrong": False}


@dataclass(frozen=True, slots=True)
class KnownServer:
    """One server: its name in every table, where it lies, the file that starts it, and whether it is right.

    `own` says that it lies beside the spec; of the bundled ones `catchers` are the kinds of checks one of which is to
    catch it. `alike` says why it may pass although the spec is not the one that it was written for.
    """

    name: str
    folder: Path
    entry: str
    right: bool
    own: bool = False
    catchers: frozenset[str] = frozenset()
    alike: str = ""


def known_servers(spec: Spec, file: Path, more: Sequence[Path] = (), *, bundled: bool = True) -> list[KnownServer]:
    """The servers that test a spec, right ones first; `file` is where the spec lies.

    Those of an instructor's own lie in `right/` and `wrong/`, in a folder beside the spec that has its name, or in one
    of `more`. The bundled ones are of use where replies are in upper case and nothing but the model is asked for.

    Raises:
        SpecError: one of `more` holds no such server.
    """
    tops = [file.with_suffix(""), *more]
    for top in more:
        if not list(_own(top)):
            remedy = "give a folder with servers in right/NAME/ and wrong/NAME/"
            raise SpecError([Problem(f"there is no server in {str(top)!r}", str(top), None, remedy)])
    found = [server for top in tops for server in _own(top)]
    if bundled and why_not_bundled(spec) is None:
        found += _bundled(spec)
    return sorted(found, key=lambda server: (not server.right, not server.own))


def why_not_bundled(spec: Spec) -> str | None:
    """Why the bundled servers say nothing about a spec, None if they do."""
    protocol = spec.protocol
    if protocol.reply != "upper" or protocol.suffix or protocol.greeting:
        return say("the bundled servers do not speak its protocol")
    if spec.server.build or spec.server.run or spec.server.args:
        return say("the bundled servers are not started by its commands")
    return None


def _own(top: Path) -> Iterator[KnownServer]:
    for kind, right in _OWN.items():
        for folder, entry in _servers(top / kind):
            yield KnownServer(f"{kind}/{folder.name}", folder, entry, right, own=True)


def _servers(top: Path) -> Iterator[tuple[Path, str]]:
    """Every folder below `top` with a file in it that starts a server."""
    seen: set[Path] = set()
    for file in sorted(top.rglob("*")):
        if file.is_file() and is_entry(file) and file.parent not in seen:
            seen.add(file.parent)
            yield file.parent, file.name


def _bundled(spec: Spec) -> Iterator[KnownServer]:
    model, top = spec.model, bundled_folder().parent / "reference"
    for kind in _BUNDLED:
        for folder, entry in _servers(top / kind):
            name = str(folder.relative_to(top))
            home, catchers = _home(folder)
            alike = "" if home == model else _alike(top).get(name, {}).get(str(model), "")
            right = kind == "servers" and home == model
            if right and entry not in spec.server.entry:
                continue
            # Without a model of ours nobody knows of the model solutions which of them is right.
            if kind == "servers" and not isinstance(model, str):
                continue
            yield KnownServer(name, folder, entry, right, catchers=catchers or frozenset({"io_model"}), alike=alike)


@functools.cache
def _alike(top: Path) -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load((top / "alike.yaml").read_text(encoding="utf-8"))
    return found


@functools.cache
def _home(folder: Path) -> tuple[str, frozenset[str]]:
    """The spec that a bundled server was handed in for, and the kinds of checks of it that it fails."""
    golden = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    kinds = _kinds(golden["spec"])
    failed = (name for name, found in golden["checks"].items() if found != "pass" and found["verdict"] == "fail")
    return golden["spec"], frozenset(kinds[name] for name in failed)


@functools.cache
def _kinds(name: str) -> Mapping[str, str]:
    return {check.id: check.full_name for check in load_spec(find_spec(name), catalogue()).checks}
