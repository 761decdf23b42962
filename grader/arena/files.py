"""The files of a submission, read once and held in memory: what is fingerprinted is what is graded and what is shown.

Nothing is unpacked onto a disk of this machine, so nothing has to be removed from it again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.sandbox import give
from grader.words import Said, ToldError, say

MAX_BYTES = 64 << 20
"""What all files of a submission may hold together, and how large an archive may be."""
MAX_FILES = 4096
MAX_SEEN = 1 << 16
"""How many names are looked at, folders and what is left out included."""
MAX_PATH = 1024
"""Bytes of a path inside a submission; one name may have 255, as anywhere (path_resolution(7))."""

PACKAGES = frozenset({"node_modules", ".venv", "venv"})
"""Folders of installed packages: not what a student wrote, and larger than all of it."""
LEFT_OUT = PACKAGES | {
    "__MACOSX",
    "__pycache__",
    ".DS_Store",
    ".git",
    ".hg",
    ".svn",
    "Thumbs.db",
    "desktop.ini",
    "grade-report",
}
_MAX_NAME, _SHOWN = 255, 30
_CHUNK = 1 << 16
_MAX_LINKS = 40


class SubmissionError(ToldError):
    """The submission cannot be graded as it was handed in; the message says why and what would be right."""


class Readable(Protocol):
    """Bytes that come in pieces; an empty one is the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class File:
    """One file of a submission. Of a symbolic link, `content` is what it points to; we never follow it."""

    content: bytes
    executable: bool = False
    link: bool = False


Files = Mapping[str, File]
"""A submission's files by their path inside it; bytes that are no UTF-8 stand as `os.fsdecode` makes them."""


@dataclass
class Intake:
    """What has been read so far of the submission that messages call `name`, within the bounds above."""

    name: str
    files: dict[str, File] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    seen: int = 0
    room: int = MAX_BYTES

    def path(self, name: str, *, windows: bool = False) -> str | None:
        """Where a file or folder belongs, None if it is to be left out; `windows` if a backslash separates.

        Raises:
            SubmissionError: nowhere inside the submission, or one name too many.
        """
        self.seen += 1
        if self.seen > MAX_SEEN:
            raise self.too_large()
        if windows:
            name = name.replace("\\", "/")
        if name.startswith("/") or (windows and re.match("[A-Za-z]:", name)):
            what = say("holds {path}, an absolute path", path=_shortened(name))
            raise self.refusal(what, say("pack the folder by its relative name"))
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            what = say("holds {path}, which leads out of it", path=_shortened(name))
            raise self.refusal(what, say("pack the folder from outside it"))
        if "\0" in name:
            what = say("holds {path}, which cannot be the name of a file", path=_shortened(name))
            raise self.refusal(what, say("give the file another name"))
        path = "/".join(parts)
        if any(len(encoded(part)) > _MAX_NAME for part in parts) or len(encoded(path)) > MAX_PATH:
            what = say("holds {path}, a name that is too long", path=_shortened(name))
            raise self.refusal(what, say("give the file a shorter name"))
        for part in parts:
            if part in LEFT_OUT or part.startswith("._"):
                self.left_out.add(part)
                return None
        return path or None

    def add(self, path: str, file: File) -> None:
        """Keep one file.

        Raises:
            SubmissionError: there is one of that name, or that is one too many.
        """
        if path in self.files:
            what = say("holds {path} twice, and nobody can tell which one counts", path=repr(path))
            raise self.refusal(what, say("pack it once"))
        self.room -= len(file.content)
        if self.room < 0 or len(self.files) >= MAX_FILES:
            raise self.too_large()
        self.files[path] = file

    def read(self, source: Readable) -> bytes:
        """All that a source gives, as far as there is room for it; what it says of its size does not matter."""
        pieces: list[bytes] = []
        room = self.room
        while piece := source.read(_CHUNK):
            room -= len(piece)
            if room < 0:
                raise self.too_large()
            pieces.append(piece)
        return b"".join(pieces)

    def refusal(self, what: Said, remedy: Said) -> SubmissionError:
        """That the submission is or holds something which cannot be graded, and what to do."""
        return SubmissionError(
            say("submission {name} {what}; {remedy}", name=repr(self.name), what=what, remedy=remedy)
        )

    def too_large(self) -> SubmissionError:
        """That there is more of it than any assignment asks for."""
        what = say("is larger than {size} MiB or {files} files", size=MAX_BYTES >> 20, files=MAX_FILES)
        return self.refusal(what, say("hand in the sources alone, without packages and build products"))

    def finish(self, entries: Iterable[str]) -> Files:
        """The files, by their paths below the single folder in which all of them lie, if they do.

        Raises:
            SubmissionError: a name is both that of a file and that of a folder.
        """
        for path in self.files:
            for parent in _parents(path):
                if parent in self.files:
                    what = say("holds {path} both as a file and as a folder", path=repr(parent))
                    raise self.refusal(what, say("rename one of the two"))
        files, wanted = self.files, set(entries)
        while files and not wanted & files.keys():
            tops = {path.partition("/")[::2] for path in files}
            if len({top for top, _ in tops}) != 1 or not all(rest for _, rest in tops):
                break
            files = {path.partition("/")[2]: file for path, file in files.items()}
        return dict(sorted(files.items(), key=lambda item: encoded(item[0])))


def encoded(path: str) -> bytes:
    """A path as the bytes that the kernel is given."""
    return path.encode("utf-8", "surrogateescape")


def _shortened(name: str) -> str:
    return repr(name if len(name) <= 3 * _SHOWN else f"{name[:_SHOWN]}...{name[-_SHOWN:]}")


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def read_folder(folder: Path, intake: Intake) -> None:
    """Take in regular files and symbolic links below a folder; devices, sockets and fifos are passed over.

    Raises:
        SubmissionError: there is too much, or a name is too long.
        ArenaUnavailableError: this machine could not read it.
    """
    folders = [""]
    while folders:
        below = folders.pop()
        try:
            with os.scandir(folder / below) as found:
                for entry in found:
                    name = f"{below}/{entry.name}" if below else entry.name
                    path = intake.path(name)
                    if path is None:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(path)
                    elif entry.is_symlink():
                        intake.add(path, File(os.fsencode(os.readlink(folder / path)), link=True))
                    elif entry.is_file(follow_symlinks=False) and (file := _file(folder / path, intake)):
                        intake.add(path, file)
        except OSError as error:
            raise machine_fault(error, intake.name) from error


def _file(path: Path, intake: Intake) -> File | None:
    content, about = read_regular(path, intake, os.O_NOFOLLOW)
    return None if about is None else File(content, executable=bool(about.st_mode & 0o111))


def read_regular(path: Path, intake: Intake, flags: int = 0) -> tuple[bytes, os.stat_result | None]:
    """The content of a regular file, and what is known of it; (b"", None) if it is another kind of file by now."""
    # Not to wait for somebody at the other end of a fifo, nor to be given a terminal (open(2)).
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | flags)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return b"", None
        if about.st_size > intake.room:
            raise intake.too_large()
        return intake.read(file), about


def machine_fault(error: OSError, name: str) -> ArenaUnavailableError:
    """That it is this machine, not the student, who is to blame for a submission that cannot be read."""
    what = say("submission {name}", name=repr(name))
    if error.filename:
        what = say("{path} of submission {name}", path=repr(os.fsdecode(error.filename)), name=repr(name))
    remedy = say("try again")
    if error.errno in (errno.EACCES, errno.EPERM):
        remedy = say("let the user who runs the grader read it")
    words = say(
        "this machine could not read {what} ({error}), which is no fault of the student's; {remedy}",
        what=what,
        error=str(error.strerror),
        remedy=remedy,
    )
    return ArenaUnavailableError(words)


def linked(files: Files, path: str) -> str | None:
    """The regular file that a path leads to by links from file to file, None if that is none of the submission's."""
    for _ in range(_MAX_LINKS):
        file = files.get(path)
        if file is None or not file.link:
            return path if file else None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), os.fsdecode(file.content)))
    return None


def fingerprint(files: Files) -> str:
    """SHA-256 over paths and contents: the same for a folder as for an archive of it."""
    digest = hashlib.sha256()
    for path, file in files.items():
        mark = b"link " if file.link else b"file "
        digest.update(encoded(path) + b"\0" + mark + hashlib.sha256(file.content).digest())
    return digest.hexdigest()


def write_files(files: Files, target: Path) -> None:
    """Write the files to a new folder that belongs to the student; the links as links."""
    target.mkdir(parents=True)
    give(target)
    for path, file in files.items():
        for parent in reversed(list(_parents(path))):
            if not (folder := target / parent).exists():
                folder.mkdir()
                give(folder)
        written = target / path
        if file.link:
            written.symlink_to(os.fsdecode(file.content))
        else:
            written.write_bytes(file.content)
            written.chmod(0o755 if file.executable else 0o644)
        give(written)
