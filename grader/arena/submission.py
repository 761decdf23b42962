"""What was handed in: found, measured, copied into the arena, and built there if its language asks for it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from grader.arena.archives import SUFFIXES, archive_suffix, foreign_kind, kind_of, read_archive
from grader.arena.files import (
    PACKAGES,
    File,
    Files,
    Intake,
    SubmissionError,
    fingerprint,
    linked,
    machine_fault,
    read_folder,
    read_regular,
)
from grader.arena.languages import Language, Toolchain, toolchain
from grader.arena.sandbox import INSIDE, give
from grader.report.escape import escape_text
from grader.words import Said, either, listed, say

__all__ = [
    "Submission",
    "SubmissionError",
    "Wanted",
    "copy_files",
    "open_submission",
    "reworded",
    "source_lines",
    "submission_place",
]

_SHOWN = 5
_LONGEST_SHOWN = 60
_LARGEST_SOURCE = 1 << 20
_NO_SUCH_NAME = (errno.ELOOP, errno.ENAMETOOLONG)
_GONE = say("does not exist")
_SPECIAL = (
    (stat.S_ISFIFO, say("a fifo")),
    (stat.S_ISSOCK, say("a socket")),
    (stat.S_ISBLK, say("a device")),
    (stat.S_ISCHR, say("a device")),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission's files, the one that starts it, and the words that build and run it (build may be empty).

    `packages` are the folders of installed packages that were left out of it.
    """

    name: str
    files: Files
    entry: str
    toolchain: Toolchain
    build: tuple[str, ...]
    run: tuple[str, ...]
    sha256: str
    packages: tuple[str, ...] = ()

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


def submission_place(path: Path, entries: Sequence[str]) -> tuple[str, ...]:
    """The folders that a submission lies in, and last its name: its folder's, or its file's without the ending.

    A file that is called as it should be says nothing of whose it is; the folder that it lies in may.
    """
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links keep the names that they were given
    is_folder = os.path.isdir(whole)  # noqa: PTH112 - of any string, not only of what can be a path
    if not is_folder and whole.name in {PurePosixPath(entry).name for entry in entries}:
        whole, is_folder = whole.parent, True
    ending = "" if is_folder else archive_suffix(whole.name) or whole.suffix
    name = whole.name[: len(whole.name) - len(ending)]
    return (*whole.parts[1:-1], name or "submission")


def open_submission(path: Path, wanted: Wanted) -> Submission:
    """Read what was handed in: a folder, an archive of one, or a single file. Nothing of it is run.

    Raises:
        SubmissionError: there is nothing of the kind, no file to start in it, or what no submission may hold.
        ArenaUnavailableError: this machine could not read it.
    """
    entries = wanted.entries
    intake = Intake(str(path))
    _take_in(path, entries, intake)
    files = intake.finish(entries)
    entry = next((name for name in entries if name in files), None)
    if entry is None:
        raise intake.refusal(say("has no {wanted}", wanted=either(entries)), _held_instead(files, entries))
    if linked(files, entry) is None:
        what = say("has {entry} as a link to what is no file of it", entry=entry)
        raise intake.refusal(what, say("hand in the file itself"))
    tools = toolchain(PurePosixPath(entry).suffix)
    build, run = _words(tools, entry, wanted)
    return Submission(
        name=submission_place(path, entries)[-1],
        files=files,
        entry=entry,
        toolchain=tools,
        build=build,
        run=run,
        sha256=fingerprint(files),
        packages=tuple(sorted(PACKAGES & intake.left_out)),
    )


def reworded(work: Submission, wanted: Wanted) -> Submission:
    """The same files, built and run as `wanted` says."""
    build, run = _words(work.toolchain, work.entry, wanted)
    return replace(work, build=build, run=run)


def _words(tools: Toolchain, entry: str, wanted: Wanted) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that build and that run it."""
    values = {
        "entry": entry,
        "stem": PurePosixPath(entry).stem,
        "port": str(wanted.port),
        "heap": str(wanted.memory >> 21),
    }
    build = tools.words(tools.language.build if wanted.build is None else wanted.build, values)
    return build, (*tools.words(wanted.run or tools.language.run, values), *wanted.args)


def _take_in(path: Path, entries: Sequence[str], intake: Intake) -> None:
    remedy = say("give the folder that holds {entry}", entry=entries[0])
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            read_folder(path, intake)
        elif what := next((what for is_it, what in _SPECIAL if is_it(mode)), ""):
            raise intake.refusal(say("is not a folder but {what}", what=what), remedy)
        else:
            _take_in_file(path, read_regular(path, intake)[0], entries, intake)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        nowhere = os.path.islink(path)  # noqa: PTH114 - the same
        raise intake.refusal(say("is a link that leads nowhere") if nowhere else _GONE, remedy) from None
    except OSError as error:
        if error.errno not in _NO_SUCH_NAME:
            raise machine_fault(error, str(path)) from error
        circle = error.errno == errno.ELOOP
        raise intake.refusal(say("is a link that leads in a circle") if circle else _GONE, remedy) from None


def _take_in_file(path: Path, content: bytes, entries: Sequence[str], intake: Intake) -> None:
    remedy = say(
        "give the folder that holds {entry}, or a zip, tar.gz or other tar of it, or {entry} itself", entry=entries[0]
    )
    if not content:
        raise intake.refusal(say("is an empty file"), remedy)
    if kind := kind_of(content):
        read_archive(content, kind, intake)
    elif kind := foreign_kind(content):
        what = say("is a {kind} archive, which cannot be read", kind=kind)
        raise intake.refusal(what, say("pack the folder as a zip or tar.gz"))
    elif path.name.lower().endswith(".tar"):
        read_archive(content, "tar", intake)  # the oldest tars bear no mark
    elif ending := archive_suffix(path.name):
        what = say("ends in {ending}, but is no such archive, or broken", ending=ending)
        raise intake.refusal(what, say("pack the folder anew"))
    elif entry := _meant(path.name, entries):
        intake.add(entry, File(content))
    else:
        what = say("is not a folder, no zip or tar archive, and no {wanted}", wanted=either(entries))
        raise intake.refusal(what, remedy)


def _meant(name: str, entries: Sequence[str]) -> str | None:
    """Which entry a single file stands for: platforms rename what is handed in, but not how names end."""
    suffix = PurePosixPath(name).suffix
    same_name = [entry for entry in entries if PurePosixPath(entry).name == name]
    same_suffix = [entry for entry in entries if suffix and PurePosixPath(entry).suffix == suffix]
    return next(iter(same_name + same_suffix), None)


def _held_instead(files: Files, entries: Sequence[str]) -> Said:
    there = _listed(sorted({path.partition("/")[0] for path in files}))
    holds = say("it holds {names}", names=there) if there else say("it holds nothing")
    hint = _hint(files, entries)
    return say("{first}; {next}", first=holds, next=hint) if hint else holds


def _hint(files: Files, entries: Sequence[str]) -> Said | None:
    """What was probably meant."""
    below = [path for path in files if PurePosixPath(path).name in entries]
    folders = [str(PurePosixPath(path).parent) for path in below]
    if len(folders) == 1:
        name = PurePosixPath(below[0]).name
        return say("{name} lies in {folder}: hand in that folder", name=name, folder=_listed(folders))
    if folders:
        return say(
            "there is one in {folders}: each of these is to be given as a submission of its own",
            folders=_listed(folders),
        )
    for path in files:
        for entry in entries:
            if path.casefold() == entry.casefold():
                return say(
                    "{path} is to be called {entry}: small and capital letters are not the same",
                    path=_listed([path]),
                    entry=entry,
                )
    suffixes = {suffix for entry in entries if (suffix := PurePosixPath(entry).suffix)}
    alike = [path for path in files if "/" not in path and PurePosixPath(path).suffix in suffixes]
    if alike:
        return say(
            "the file that starts the server is to be called {wanted}, not {names}",
            wanted=either(entries),
            names=_listed(alike),
        )
    if len(files) == 1 and archive_suffix(name := next(iter(files))) in SUFFIXES:
        return say(
            "an archive inside is not looked into: unpack {archive}, or give it by itself", archive=_listed([name])
        )
    return None


def _listed(names: Sequence[str]) -> str:
    shown = [escape_text(name[:_LONGEST_SHOWN]) for name in names[:_SHOWN]]
    return listed([*shown, *(["..."] if len(names) > _SHOWN else [])])


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files and links below a folder, by path; devices, sockets and fifos are passed over."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted([*names, *(name for name in folders if Path(root, name).is_symlink())]):
            path = Path(root, name)
            about = path.lstat()
            if stat.S_ISREG(about.st_mode) or stat.S_ISLNK(about.st_mode):
                yield path, about


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


def source_lines(files: Files, name: str) -> list[str]:
    """The lines of a source file of a submission; empty if it is none of its files, or too large to be read."""
    path = linked(files, name.removeprefix(f"{INSIDE}/"))
    if path is None or len((file := files[path]).content) > _LARGEST_SOURCE:
        return []
    return file.content.decode("utf-8", errors="replace").splitlines()
