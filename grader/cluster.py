"""A class on more than one machine: gradings on the workers of a Dask cluster, nothing shared but the network.

A submission travels as the bytes of its files, and so does the spec. On the worker a process of its own grades it, for
a worker has threads, and an arena must not be forked from a process with threads.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import grader
from grader.arena.files import PACKAGES, Files, Intake, machine_fault, read_folder, read_regular, write_files
from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.submission import SubmissionError
from grader.batch import Done, Job, grade_job
from grader.evidence import kernel
from grader.spec import Spec, reference_server
from grader.words import changed, say

RESOURCE = "grading"
"""The resource (Dask's word) of which a worker offers one for each grading that it can do at a time."""
_PROGRAM = [sys.executable, "-P", "-c", "from grader.cluster import grade_from_stdin; grade_from_stdin()"]
_TRIED_AGAIN = 2


class ClusterError(Exception):
    """The cluster cannot be used; the message says why and what would be right."""


@contextlib.contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The executor of a running cluster, and how many gradings it can do at a time.

    Raises:
        ClusterError: it cannot be reached, none of its workers grades, or one has another version of the grader.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - an optional package
    except ImportError:
        raise ClusterError("a cluster needs the package distributed: install network-io-grader[cluster]") from None
    try:
        client: Any = Client(address, set_as_default=False, timeout=10)  # type: ignore[no-untyped-call] # it is untyped
    except (OSError, ValueError) as error:
        raise ClusterError(f"there is no Dask scheduler at {address}: {error}") from None
    with client:
        slots = _slots(client)
        yield client.get_executor(pure=False, retries=_TRIED_AGAIN, resources={RESOURCE: 1}), slots


def _slots(client: Any) -> int:
    workers = client.scheduler_info(n_workers=-1)["workers"]
    slots = sum(int(worker["resources"].get(RESOURCE, 0)) for worker in workers.values())
    if not slots:
        raise ClusterError(f"no worker offers the resource {RESOURCE}: start each with --resources {RESOURCE}=1")
    versions: dict[str, str] = client.run(_version)
    others = {where: version for where, version in versions.items() if version != grader.__version__}
    if others:
        where, version = next(iter(others.items()))
        raise ClusterError(f"the worker at {where} has version {version} of the grader, and we {grader.__version__}")
    return slots


def _version() -> str:
    return grader.__version__


@dataclass(frozen=True)
class Parcel:
    """A job and all that it needs: the submission's files, and the spec's own with what lies beside it."""

    job: Job
    files: Files | bytes
    left_out: tuple[str, ...]
    spec: dict[str, bytes] = field(default_factory=dict)
    references: dict[str, Files] = field(default_factory=dict)


def sender(spec: Spec, file: Path) -> Callable[[Job], Callable[[], Done]]:
    """What makes a job into work that any machine can do; `file` is where the spec lies."""
    texts = {name: (Path(spec.folder) / name).read_bytes() for name in spec.behaviours}
    texts[file.name] = file.read_bytes()
    names = {name for check in spec.checks for name in check.references}
    references = {name: _files_of(folder) for name in names if (folder := _beside(name, spec))}

    def work(job: Job) -> Callable[[], Done]:
        try:
            files, left_out = _taken_in(job.submission)
        except SubmissionError as error:
            return partial(_as_it_is, Done(job, failed=error.told, fault="submission"))
        except (FileNotFoundError, NotADirectoryError):
            return partial(_as_it_is, grade_job(job))  # which says what was to be given
        except ArenaUnavailableError as error:
            return partial(_as_it_is, Done(job, failed=error.told, fault="grader"))
        except OSError as error:
            return partial(_as_it_is, Done(job, failed=machine_fault(error, str(job.submission)).told, fault="grader"))
        return partial(grade_parcel, Parcel(job, files, left_out, texts, references))

    return work


def _as_it_is(done: Done) -> Done:
    return done


def _beside(name: str, spec: Spec) -> Path | None:
    """A reference server that lies beside the spec; the bundled ones are there on every machine."""
    folder = reference_server(name, spec.folder)
    return folder if folder and folder.is_relative_to(spec.folder) else None


def _files_of(folder: Path) -> Files:
    intake = Intake(str(folder))
    read_folder(folder, intake)
    return intake.files


def _taken_in(path: Path) -> tuple[Files | bytes, tuple[str, ...]]:
    intake = Intake(str(path))
    if not path.is_dir():
        if not path.is_file():
            raise FileNotFoundError(path)
        return read_regular(path, intake)[0], ()
    read_folder(path, intake)
    return intake.files, tuple(sorted(PACKAGES & intake.left_out))


def grade_parcel(parcel: Parcel) -> Done:
    """Grade what came; runs on a worker of the cluster, and lets a process of its own do it."""
    done = subprocess.run(
        _PROGRAM,
        input=pickle.dumps((parcel, os.getpid())),
        stdout=subprocess.PIPE,
        check=False,
        cwd=tempfile.gettempdir(),
    )
    if done.returncode:
        why = say("the process that graded it ended with status {status}", status=done.returncode)
        return Done(parcel.job, failed=why, fault="grader")
    found: Done = pickle.loads(done.stdout)  # noqa: S301 - from our own process
    return found


def grade_from_stdin() -> None:
    """Grade the parcel that comes in, and write out what became of it."""
    parcel, parent = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own process
    kernel.die_with_parent()
    if os.getppid() != parent:
        sys.exit(1)  # it was gone before we asked
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer, sys.stdout = sys.stdout.buffer, sys.stderr
    answer.write(pickle.dumps(_graded(parcel)))
    answer.flush()


def _graded(parcel: Parcel) -> Done:
    with tempfile.TemporaryDirectory(prefix="network-io-grader-") as folder:
        top = Path(folder)
        for name, text in parcel.spec.items():
            (top / "spec" / name).parent.mkdir(parents=True, exist_ok=True)
            (top / "spec" / name).write_bytes(text)
        for name, files in parcel.references.items():
            (top / "spec" / name).parent.mkdir(parents=True, exist_ok=True)
            write_files(files, top / "spec" / name)
        job, path = parcel.job, top / "submission" / parcel.job.submission.absolute().name
        path.parent.mkdir()
        _lay_out(parcel, path)
        done = grade_job(replace(job, submission=path, spec=top / "spec" / job.spec.name))
        failed = changed(done.failed, lambda text: text.replace(str(path), str(job.submission)))
        return replace(done, job=job, failed=failed)


def _lay_out(parcel: Parcel, path: Path) -> None:
    if isinstance(parcel.files, bytes):
        path.write_bytes(parcel.files)
        return
    write_files(parcel.files, path)
    for name in parcel.left_out:
        (path / name).mkdir(exist_ok=True)
