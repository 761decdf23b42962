"""Archives for tests, of every kind and with whatever in them."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping

SERVER = {"server.py": b"one\ntwo\n", "net/loop.py": b"three\n"}
PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": functools.partial(gzip.compress, mtime=0),
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
}

Member = tuple[tarfile.TarInfo, bytes]


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return zip_of([(zipfile.ZipInfo(name), content) for name, content in files.items()], method)


def zip_of(members: Iterable[tuple[zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for info, content in members:
            archive.writestr(info, content, method)
    return packed.getvalue()


def tarred(files: Mapping[str, bytes], kind: str = "tar") -> bytes:
    return PACKERS[kind](tar_of([member(name, content) for name, content in files.items()]))


def tar_of(members: Iterable[Member], form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644
) -> Member:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname, info.mode = len(content), kind, target, mode
    return info, content


def claiming(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar's header that says how much follows."""
    info = tarfile.TarInfo("big")
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def gzip_bomb(head: bytes, mebibytes: int) -> bytes:
    """So many MiB of zeros after a head, a thousand times smaller."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [packer.compress(head), *(packer.compress(bytes(1 << 20)) for _ in range(mebibytes))]
    return b"".join([*pieces, packer.flush()])


def overlapping_zip(copies: int) -> bytes:
    """A zip in which one file's bytes are the content of many (better than 1000:1)."""
    content = bytes(1 << 20)
    whole = zipped({"x0": content})
    end = whole.rindex(b"PK\x05\x06")
    directory = whole.index(b"PK\x01\x02")
    entry = whole[directory:end]
    # The names differ in one byte each; the entries point to the same place.
    entries = b"".join(entry.replace(b"x0", bytes([65 + number // 26, 65 + number % 26])) for number in range(copies))
    tail = bytearray(whole[end:])
    tail[8:12] = copies.to_bytes(2, "little") * 2
    tail[12:16] = len(entries).to_bytes(4, "little")
    return whole[:directory] + entries + bytes(tail)
