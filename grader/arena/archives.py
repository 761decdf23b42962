"""Archives as learning platforms hand them out: read into memory, within bounds, and with nothing taken on trust.

What an archive says of itself (sizes, counts, names) is never believed: bytes are counted as they come out. Links,
devices and whatever else is no plain file have no place in it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from operator import attrgetter

from grader.arena.files import MAX_BYTES, File, Intake, Readable, SubmissionError
from grader.report.escape import escape_text
from grader.words import ToldError, say

MAX_STREAM = 4 * MAX_BYTES
"""Bytes that a compressed tar may unpack to, with what is left out of it."""
MAX_DIRECTORY = 8 << 20
"""Bytes of a zip's table of contents: some 70,000 names."""
MAX_HEADER = 16 << 10
"""Bytes of one of a tar's extended headers, which may hold a long name."""
MAX_HEADERS = 4 << 20
"""Bytes of all of them."""

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar")
"""What the names of archives end in; what one is, its first bytes decide."""
_FOREIGN_SUFFIXES = (".7z", ".rar", ".tar.zst", ".gz", ".bz2", ".xz", ".jar")

_SIGNATURES = (
    (re.compile(rb"PK(\x03\x04|\x05\x06)"), "zip"),
    (re.compile(rb"\x1f\x8b"), "tar.gz"),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), "tar.bz2"),
    (re.compile(rb"\xfd7zXZ\0"), "tar.xz"),
    (re.compile(rb".{257}ustar", re.DOTALL), "tar"),
)
_FOREIGN = (
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x1f\x9d", "compress"),
)
_KINDS_OF_ZIP = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1 | 1 << 6  # flag bits 0 and 6 (APPNOTE.TXT 4.4.4)
_UTF8 = 1 << 11
_LOCAL_HEADER = 30
# Older Pythons search a run of n digits in n * n steps (CVE-2024-6232).
_DIGITS = re.compile(rb"[0-9]{64}")
_AGAIN = say("pack the folder anew as a zip or tar.gz")


class _BrokenError(ToldError):
    """An archive is not as it should be, though the standard library would go on."""


def kind_of(content: bytes) -> str | None:
    """What kind of archive begins with these bytes (zip, tar, tar.gz, ...), None if none that can be read."""
    return next((kind for signature, kind in _SIGNATURES if signature.match(content)), None)


def foreign_kind(content: bytes) -> str | None:
    """The same for the kinds that are known, but cannot be read."""
    return next((kind for signature, kind in _FOREIGN if content.startswith(signature)), None)


def archive_suffix(name: str) -> str:
    """The end of a file's name that says it is an archive, "" if it says nothing like it."""
    return next((end for end in (*SUFFIXES, *_FOREIGN_SUFFIXES) if name.lower().endswith(end)), "")


def read_archive(content: bytes, kind: str, intake: Intake) -> None:
    """Take in the files of an archive.

    Raises:
        SubmissionError: it is broken, too large, encrypted, or holds what no submission may hold.
    """
    try:
        if kind == "zip":
            _read_zip(content, intake)
        else:
            _read_tar(_unpacked(content, kind), intake)
    except SubmissionError:
        raise
    # The bytes lie in memory: whatever goes wrong in the readers of the standard library, they are the reason.
    except Exception as error:
        why = error.told if isinstance(error, _BrokenError) else escape_text(str(error) or type(error).__name__)[:200]
        what = say("is a broken or truncated {kind} archive ({why})", kind=kind, why=why)
        raise intake.refusal(what, _AGAIN) from error


class _InMemory(io.BytesIO):
    """Bytes of which nobody reads more than a table of contents at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY:
            raise _BrokenError(say("its table of contents is too long"))
        return super().read(size)


def _read_zip(content: bytes, intake: Intake) -> None:
    with zipfile.ZipFile(_InMemory(content)) as archive:
        members = archive.infolist()
        wanted = [(info, path) for info in members if (path := _path_in_zip(info, intake))]
        if _overlap(members, archive.start_dir):
            raise intake.refusal(say("is a zip whose files overlap, as those of a zip bomb do"), _AGAIN)
        for info, path in wanted:
            mode = info.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise _no_file(path, _words(mode), intake)
            if info.flag_bits & _ENCRYPTED:
                raise intake.refusal(say("is an encrypted zip"), say("hand it in without a password"))
            if info.compress_type not in _KINDS_OF_ZIP:
                what = say("is a zip that is compressed with method {method}", method=info.compress_type)
                raise intake.refusal(what, say("use the usual one, deflate"))
            with archive.open(info) as member:
                intake.add(path, File(intake.read(member), executable=bool(mode & 0o111)))


def _path_in_zip(info: zipfile.ZipInfo, intake: Intake) -> str | None:
    name = info.filename
    if not info.flag_bits & _UTF8:
        # The oldest encoding is the standard's, but most who do not say theirs write UTF-8.
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = info.filename
    path = intake.path(name, windows=True)
    is_folder = name.endswith(("/", "\\")) or stat.S_ISDIR(info.external_attr >> 16)
    return None if is_folder else path


def _overlap(members: Iterable[zipfile.ZipInfo], end: int) -> bool:
    """Whether two members share bytes of the archive: so a few kilobytes unpack to terabytes."""
    ordered = sorted(members, key=attrgetter("header_offset"))
    ends = [info.header_offset + _LOCAL_HEADER + info.compress_size for info in ordered]
    starts = [info.header_offset for info in ordered[1:]]
    return any(ended > start for ended, start in zip(ends, [*starts, end], strict=False))


def _unpacked(content: bytes, kind: str) -> Readable:
    source = io.BytesIO(content)
    if kind == "tar.gz":
        return gzip.GzipFile(fileobj=source)
    if kind == "tar.bz2":
        return bz2.BZ2File(source)
    return lzma.LZMAFile(source) if kind == "tar.xz" else source


class _Stream:
    """What a tar is read from: forwards only, and not without end. `last` is the block read last."""

    def __init__(self, source: Readable, intake: Intake) -> None:
        self._source, self._intake = source, intake
        self._at = self._headers = 0
        self.last = b""

    def tell(self) -> int:
        return self._at

    def seek(self, to: int) -> None:
        if to < self._at:
            raise _BrokenError(say("it points back into itself"))
        while (skipped := min(to - self._at, MAX_HEADER)) and self._read(skipped):
            pass

    def read(self, size: int) -> bytes:
        """A header. Their sizes are claims too: `tarfile` asks for as much as they say."""
        if size > tarfile.BLOCKSIZE:
            self._headers += size
        if not 0 <= size <= MAX_HEADER or self._headers > MAX_HEADERS:
            raise _BrokenError(say("its headers are too long"))
        self.last = self._read(size)
        if size > tarfile.BLOCKSIZE and _DIGITS.search(self.last):
            raise _BrokenError(say("a number in a header is too long"))
        return self.last

    def content(self, size: int) -> Readable:
        """The next `size` bytes, as a source of their own."""
        return _Content(self._read, size)

    def _read(self, size: int) -> bytes:
        piece = self._source.read(size)
        self._at += len(piece)
        if self._at > MAX_STREAM:
            raise self._intake.too_large()
        return piece


class _Content:
    """So many bytes of a stream; if it ends before them, it is broken."""

    def __init__(self, read: Callable[[int], bytes], left: int) -> None:
        self._read, self._left = read, left

    def read(self, size: int, /) -> bytes:
        piece = self._read(min(size, self._left))
        self._left -= len(piece)
        if self._left and not piece:
            raise _BrokenError(say("it ends in the middle of a file"))
        return piece


def _read_tar(source: Readable, intake: Intake) -> None:
    stream = _Stream(source, intake)
    with tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape") as archive:  # type: ignore[arg-type]
        while member := archive.next():
            archive.members = []  # type: ignore[attr-defined]  # it would keep every one of them
            path = intake.path(member.name)
            if path is None or member.isdir():
                continue
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE) or member.issparse():
                raise _no_file(path, _KINDS_OF_MEMBER.get(member.type, _NO_PLAIN_FILE), intake)
            if member.size < 0:
                raise _BrokenError(say("a size is negative"))
            stream.seek(member.offset_data)
            content = intake.read(stream.content(member.size))
            intake.add(path, File(content, executable=bool(member.mode & 0o111)))
    # A header that cannot be read ends it quietly for `tarfile`; a whole archive ends in zeros.
    if len(stream.last) != tarfile.BLOCKSIZE or any(stream.last):
        raise _BrokenError(say("it ends early, or a header is not right"))
    # What is left is read too, for the checksum at the end.
    stream.seek(MAX_STREAM)


_NO_PLAIN_FILE = say("no plain file")
_KINDS_OF_MEMBER = {
    tarfile.SYMTYPE: say("a symbolic link"),
    tarfile.LNKTYPE: say("a hard link"),
    tarfile.FIFOTYPE: say("a fifo"),
    tarfile.CHRTYPE: say("a device"),
    tarfile.BLKTYPE: say("a device"),
}


def _words(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return say("a symbolic link")
    return say("a fifo") if stat.S_ISFIFO(mode) else _NO_PLAIN_FILE


def _no_file(path: str, kind: str, intake: Intake) -> SubmissionError:
    what = say("holds {path}, which is {kind}", path=repr(path), kind=kind)
    return intake.refusal(what, say("pack the files themselves, and nothing but files"))
