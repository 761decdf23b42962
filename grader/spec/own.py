"""An instructor's own behaviours: Python files that lie beside the spec, run as part of the grader."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from grader.spec.model import CheckFields
from grader.spec.positions import Document
from grader.spec.problems import Problem

Catalogue = Mapping[str, type[CheckFields]]


class OwnError(Exception):
    """A file that cannot be used, in one sentence, and what would be right."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def with_own(document: Document, catalogue: Catalogue, folder: str, problems: list[Problem]) -> tuple[Catalogue, bytes]:
    """The catalogue together with the behaviours of the files that the spec names, and the bytes of these files."""
    named = document.data.get("behaviours")
    named = [named] if isinstance(named, str) else named
    content = b""
    for index, name in enumerate(named if isinstance(named, list) else []):
        if not isinstance(name, str):
            continue  # said by the definition of the key
        try:
            text = _read(folder, name)
            catalogue = _added(catalogue, behaviours_of(Path(folder) / name, text), name)
            content += text
        except OwnError as error:
            place = document.place(("behaviours", index))
            problems.append(Problem(str(error), document.file, place, error.remedy))
    return catalogue, content


def _added(catalogue: Catalogue, kinds: list[type[CheckFields]], file: str) -> Catalogue:
    for kind in kinds:
        if kind.name in catalogue:
            raise OwnError(f"{file}: there is another behaviour {kind.name!r}", "choose another name")
        catalogue = {**catalogue, kind.name: kind}
    return catalogue


def _read(folder: str, name: str) -> bytes:
    if not folder:
        raise OwnError(f"{name}: a spec that is not read from a file has no files beside it")
    path = Path(folder) / name
    if not name.endswith(".py"):
        raise OwnError(f"{name!r} is no Python file", "name a file that ends in .py")
    try:
        beside = path.resolve().is_relative_to(Path(folder).resolve())
        text = path.read_bytes() if beside else b""
    except OSError as error:
        raise OwnError(f"cannot read {name!r}: {error.strerror}") from None
    except (ValueError, RuntimeError):  # a NUL, or a link to itself
        raise OwnError(f"{name!r} leads to no file") from None
    if not beside:
        raise OwnError(f"{name!r} does not lie beside the spec", "put the file into the folder of the spec")
    return text


def behaviours_of(path: Path, text: bytes) -> list[type[CheckFields]]:
    """The behaviours that a Python file defines; it is run for that, once for each content.

    Raises:
        OwnError: it cannot be run, or defines none.
    """
    module = _module(path, text)
    found = [kind for kind in vars(module).values() if _defined_in(module, kind)]
    for kind in found:
        for what in _lacking(kind):
            raise OwnError(f"{path.name}: class {kind.__name__} has no {what}")
    if not found:
        raise OwnError(f"{path.name} defines no behaviour", "derive a class from grader.behaviours.Behaviour")
    return found


def _defined_in(module: ModuleType, kind: Any) -> bool:
    known = inspect.isclass(kind) and issubclass(kind, CheckFields)
    return known and kind.__module__ == module.__name__ and not kind.__name__.startswith("_")


def _lacking(kind: type[CheckFields]) -> Iterator[str]:
    if not kind.name:
        yield "name: write name: ClassVar[str] = '...'"
    if not (kind.__doc__ or "").strip():
        yield "docstring, which is what students are told of it"
    check = getattr(kind, "check", None)
    if check is None or getattr(check, "__isabstractmethod__", False):
        yield "method check(self, stage)"


def _module(path: Path, text: bytes) -> ModuleType:
    name = f"grader_own_{hashlib.sha256(str(path.resolve()).encode() + text).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - a path that ends in .py always has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(compile(text, str(path), "exec"), vars(module))  # noqa: S102 - the instructor's own code, as a plugin is
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is said with its line
        del sys.modules[name]
        raise OwnError(f"{path.name} cannot be run: {_in_one_line(error, path)}") from None
    return module


def _in_one_line(error: BaseException, path: Path) -> str:
    said = " ".join(str(error).split())
    words = f"{type(error).__name__}: {said}" if said else type(error).__name__
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{words} (line {lines[-1]})" if lines else words
