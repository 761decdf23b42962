"""What was handed in: found, measured, copied into the arena, and built there if its language asks for it."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.arena.languages import Language, Toolchain, toolchain
from grader.arena.sandbox import INSIDE, give

_MAX_BYTES = 64 << 20
_MAX_FILES = 4096


class SubmissionError(Exception):
    """The submission cannot be graded as it was handed in; the message says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission's folder, the file that starts it, and the words that build and run it (build may be empty)."""

    name: str
    folder: Path
    entry: str
    toolchain: Toolchain
    build: tuple[str, ...]
    run: tuple[str, ...]
    sha256: str

    @property
    def language(self) -> Language:
        """The language that it is written in."""
        return self.toolchain.language


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a spec says of submissions: the files that may start one, of which the first that is there counts.

    `build` and `run` are commands in place of the language's own; `memory` is in bytes.
    """

    entries: list[str]
    port: int
    build: str | None = None
    run: str | None = None
    args: list[str] = field(default_factory=list)
    memory: int = 256 << 20


def open_submission(path: Path, wanted: Wanted) -> Submission:
    """Look at a submission's folder; nothing of it is run.

    Raises:
        SubmissionError: there is no such folder, or no file to start in it.
    """
    entries = wanted.entries
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise SubmissionError(f"submission {str(path)!r} {what}; give the folder that holds {entries[0]}")
    entry = next((name for name in entries if (path / name).is_file()), None)
    if entry is None:
        there = ", ".join(sorted(name.name for name in path.iterdir())[:5]) or "nothing"
        raise SubmissionError(f"submission {str(path)!r} has no {' or '.join(entries)}; it holds {there}")
    tools = toolchain(Path(entry).suffix)
    values = {
        "entry": entry,
        "stem": Path(entry).stem,
        "port": str(wanted.port),
        "heap": str(wanted.memory >> 21),
    }
    return Submission(
        name=path.resolve().name,
        folder=path.resolve(),
        entry=entry,
        toolchain=tools,
        build=tools.words(tools.language.build if wanted.build is None else wanted.build, values),
        run=(*tools.words(wanted.run or tools.language.run, values), *wanted.args),
        sha256=_fingerprint(path),
    )


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files and links below a folder, by path; devices, sockets and fifos are passed over."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            about = path.lstat()
            if stat.S_ISREG(about.st_mode) or stat.S_ISLNK(about.st_mode):
                yield path, about


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    total = count = 0
    for path, about in _files(folder):
        total, count = total + about.st_size, count + 1
        if total > _MAX_BYTES or count > _MAX_FILES:
            raise SubmissionError(
                f"submission {str(folder)!r} is larger than {_MAX_BYTES >> 20} MiB or {_MAX_FILES} files"
            )
        digest.update(os.fsencode(path.relative_to(folder)) + b"\0" + _content(path))
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return b"->" + os.fsencode(os.readlink(path)) + b"\0"
    return hashlib.sha256(path.read_bytes()).digest()


def copy_files(source: Path, target: Path) -> None:
    """Copy regular files and links (as links) to a new folder that belongs to the student."""
    target.mkdir(parents=True)
    give(target)
    for path, about in _files(source):
        copied = target / path.relative_to(source)
        _folders(copied.parent, target)
        if stat.S_ISLNK(about.st_mode):
            copied.symlink_to(os.readlink(path))
        else:
            shutil.copyfile(path, copied, follow_symlinks=False)
            copied.chmod(0o755 if about.st_mode & 0o111 else 0o644)
        give(copied)


def _folders(folder: Path, top: Path) -> None:
    if folder != top and not folder.exists():
        _folders(folder.parent, top)
        folder.mkdir()
        give(folder)


def source_lines(folder: Path, name: str) -> list[str]:
    """The lines of a source file inside a submission; empty if it is not there, is a link, or leads outside."""
    path = folder / name.removeprefix(f"{INSIDE}/")
    if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return []
    if path.stat().st_size > 1 << 20:
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()
