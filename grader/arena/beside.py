"""What the lower level of isolation needs before anything is forked: a port of its own, a folder, a user."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.arena import ports
from grader.arena.ground import Ground, beside_others
from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.process import needed_to_run, remove_tree, student_user
from grader.words import say


@contextlib.contextmanager
def prepared(port: int, obstacle: str, packages: Sequence[Path]) -> Iterator[tuple[Ground, int | None, int]]:
    """The ground for one grading, the user to become if any, and the port to offer.

    Waits for other gradings on that port. A port on which somebody else listens is not offered: another one is.
    A server runs as root only where this level was asked for (`obstacle` is empty then).

    Raises:
        ArenaUnavailableError: there is no place for the files, no socket table, or nobody but root to run servers as.
    """
    user, kept_root = student_user([Path(tempfile.gettempdir()), *needed_to_run(packages)])
    if kept_root and obstacle:
        words = say(
            "namespaces are not to be had ({obstacle}), and without them the server would run as root: {why}. "
            "Install Python and the grader where everybody can read them, or grade as an ordinary user; "
            "--isolation process grades all the same",
            obstacle=obstacle,
            why=kept_root,
        )
        raise ArenaUnavailableError(words)
    with ports.one_at_a_time(port), _folder(user) as workspace:
        try:
            moved = ports.listened_on(port)
        except OSError as error:
            words = say(
                "this machine does not show the table of its sockets (sock_diag: {error})", error=str(error.strerror)
            )
            raise ArenaUnavailableError(words) from error
        ground = beside_others(workspace, obstacle, kept_root, port_moved=moved)
        with ports.another_port() if moved else contextlib.nullcontext(port) as offered:
            yield ground, user, offered


@contextlib.contextmanager
def _folder(user: int | None) -> Iterator[Path]:
    try:
        folder = Path(tempfile.mkdtemp(prefix="network-io-grader-")).resolve()
    except OSError as error:
        words = say("no folder can be made for the arena's files: {error}", error=str(error.strerror))
        raise ArenaUnavailableError(words) from error
    try:
        if user is not None:
            os.chown(folder, user, user)
        yield folder
    finally:
        if folder.exists():
            remove_tree(folder)
