"""Memory that no process maps: found in files of memory and in segments."""

from __future__ import annotations

import os

from grader.evidence.unmapped import files_of_memory, parse_segments, shared_memory_of_the_machine

SEGMENTS = """\
       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
         0          0   666               4194304    83    83      0  1000  1000  1000  1000 1764101000 1764101000 1764101000               4194304                     0
         0          1   666               8388608    83    83      0  1000  1000  1000  1000 1764101000 1764101000 1764101000                  4096                  8192
"""  # noqa: E501 - as the kernel writes it


def test_of_segments_what_is_in_memory_or_swapped_out_counts() -> None:
    assert parse_segments(SEGMENTS) == 4194304 + 4096 + 8192
    assert parse_segments(SEGMENTS.splitlines()[0]) == 0


def test_a_file_of_memory_counts_once_however_often_it_is_open() -> None:
    before = files_of_memory([os.getpid()])
    fd = os.memfd_create("file")
    os.write(fd, bytes(1 << 20))
    again = os.dup(fd)

    assert files_of_memory([os.getpid()]) - before == 1 << 20
    os.close(fd)
    os.close(again)
    assert files_of_memory([os.getpid()]) == before


def test_the_machine_tells_its_shared_memory() -> None:
    assert shared_memory_of_the_machine() > 0
