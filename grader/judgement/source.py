"""What the student's source says at the lines that evidence points to; parsed, never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

_HEADING = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_POLL_OBJECTS = {"select.poll", "select.epoll", "poll", "epoll"}
_LONGEST = 1 << 18
_STARTING = {"Thread", "Process", "Timer", "submit", "start_new_thread"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_ENDING = re.compile(r"^(?P<kind>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning))(?:: (?P<text>.*))?$")


@dataclass(frozen=True, slots=True)
class Traceback:
    """A traceback that a server printed: the exception and the last line in the student's own files."""

    kind: str
    text: str
    file: str | None
    line: int | None


def last_traceback(output: str, inside: str) -> Traceback | None:
    """Find it in what the server printed, or None; `inside` is the submission's folder as the server saw it."""
    # A syntax error is told without the heading.
    return _traceback(output[max(output.rfind(_HEADING), 0) :], inside)


def first_traceback(output: str, inside: str) -> Traceback | None:
    """The first that comes through the student's own files, or None, as `last_traceback` finds the last of all."""
    found = (_traceback(part, inside) for part in output.split(_HEADING)[1:])
    return next((traceback for traceback in found if traceback and traceback.file), None)


def _traceback(whole: str, inside: str) -> Traceback | None:
    ending = next((m for line in reversed(whole.splitlines()) if (m := _ENDING.match(line.strip()))), None)
    if ending is None or not _FRAME.search(whole):
        return None
    frames = [m for m in _FRAME.finditer(whole) if is_own(m["file"], inside)]
    last = frames[-1] if frames else None
    file = last["file"].removeprefix(f"{inside}/") if last else None
    return Traceback(ending["kind"], ending["text"] or "", file, int(last["line"]) if last else None)


def is_own(file: str, inside: str) -> bool:
    """Whether a file name as Python tells it lies in the submission."""
    return file.startswith(f"{inside}/") or not file.startswith(("/", "<"))


def calls_at(lines: list[str], line: int) -> list[ast.Call]:
    """The calls that begin on or span a line of Python source; [] if it does not parse."""
    return [call for call in _calls(lines) if call.lineno <= line <= (call.end_lineno or call.lineno)]


def called_at(lines: list[str], line: int) -> set[str]:
    """The names of what is called there, without what they are called on."""
    return {_called(call) for call in calls_at(lines, line)}


def own_names(sources: Mapping[str, list[str]]) -> set[str]:
    """What calls of the functions that these files define look like: `read`, `self.read`, `wire.read` (in wire.py)."""
    found: set[str] = set()
    for file, lines in sources.items():
        module = file.rpartition("/")[2].removesuffix(".py")
        for function in _functions(lines):
            found |= {function.name, *(f"{receiver}.{function.name}" for receiver in ("self", "cls", module))}
    return found


def scope_lines(lines: list[str], names: Collection[str], near: int, own: Collection[str] = ()) -> list[int]:
    """Lines that call one of these in the function around line `near` (or outside of all), the nearest first."""
    functions = _functions(lines)
    scope = _innermost(functions, near)
    found = [line for line in call_lines(lines, names, own) if _innermost(functions, line) is scope]
    return sorted(found, key=lambda number: (abs(number - near), number))


def call_lines(lines: list[str], names: Collection[str], own: Collection[str] = ()) -> list[int]:
    """Lines that call a function or a method of one of these names, anywhere, but none of their `own` (own_names)."""
    return sorted({call.lineno for call in _named_calls(lines, names, own)})


def statement_lines(lines: list[str], names: Collection[str], own: Collection[str] = ()) -> list[int]:
    """Those of `call_lines` in which nothing is done with what the call returns: it is a statement of its own."""
    # What sends something is given it: `client.send()` is somebody's own.
    alone = {
        n.value for n in _nodes(lines) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and n.value.args
    }
    return sorted({call.lineno for call in _named_calls(lines, names, own) if call in alone})


def waits_for_worker(call: ast.Call) -> bool:
    """Whether a call waits for the end of a thread, of a child or of what a pool does."""
    if _called(call) in ("waitpid", "wait3", "wait4") or _as_written(call) == "os.wait":
        return True
    return _method(call) in ("join", "result") and not call.args  # str.join() takes one


def works_itself(call: ast.Call) -> bool:
    """Whether a call should pass on what a worker is to do, and calls it instead: `Thread(target=serve(client))`."""
    given = [word.value for word in call.keywords if word.arg == "target"]
    if _called(call) in ("submit", "start_new_thread"):
        given += call.args[:1]
    return _called(call) in _STARTING and any(isinstance(value, ast.Call) for value in given)


def locks_taken(lines: list[str], line: int) -> set[str]:
    """What is taken at a line, as it is written there: `lock` in `with lock:` and in `lock.acquire()`."""
    taken = {name for name, first, last, _ in _locks(lines) if first <= line <= last}
    return taken | {_receiver(call) for call in calls_at(lines, line) if _method(call) == "acquire"}


def locks_held(lines: list[str], line: int) -> set[str]:
    """What has been taken before a line and not been given back, as far as it can be seen in the function around it."""
    held = {name for name, _, last, end in _locks(lines) if last < line <= end}
    functions = _functions(lines)
    scope = _innermost(functions, line)
    calls = [call for call in _calls(lines) if _innermost(functions, call.lineno) is scope and call.lineno < line]
    for call in sorted(calls, key=lambda call: call.lineno):
        if _method(call) == "acquire":
            held.add(_receiver(call))
        elif _method(call) == "release":
            held.discard(_receiver(call))
    return held


def _locks(lines: list[str]) -> Iterator[tuple[str, int, int, int]]:
    """Of each `with`: what it enters, the first and the last line of that, and the last of all."""
    for node in _nodes(lines):
        if isinstance(node, ast.With):
            last = node.items[-1].context_expr.end_lineno or node.lineno
            yield from ((_text(item.context_expr), node.lineno, last, node.end_lineno or last) for item in node.items)


def function_at(lines: list[str], line: int) -> str:
    """The name of the innermost function around a line, `<module>` outside of all: as a traceback names it."""
    around = _innermost(_functions(lines), line)
    return around.name if around else "<module>"


def imported(lines: list[str], file: str, files: Collection[str]) -> set[str]:
    """Those of the `files` that the Python source `file` imports, by their names."""
    modules: set[str] = set()
    for node in _nodes(lines):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = node.module or ""
            modules |= {package, *(f"{package}.{alias.name}".lstrip(".") for alias in node.names)}
    folder = file.rpartition("/")[0]
    bases = {"", f"{folder}/" if folder else ""}
    paths = {base + module.replace(".", "/") for base in bases for module in modules}
    return {found for path in paths for found in (f"{path}.py", f"{path}/__init__.py") if found in files}


def _named_calls(lines: list[str], names: Collection[str], own: Collection[str]) -> Iterator[ast.Call]:
    yield from (call for call in _calls(lines) if _called(call) in names and _as_written(call) not in own)


def _calls(lines: list[str]) -> Iterator[ast.Call]:
    yield from (node for node in _nodes(lines) if isinstance(node, ast.Call))


def _nodes(lines: list[str]) -> tuple[ast.AST, ...]:
    """All that stands in a Python file, the outer before the inner; () if it does not parse, or nobody wrote it."""
    text = "\n".join(lines)
    return _parsed(text) if len(text) <= _LONGEST else ()


@lru_cache(maxsize=16)
def _parsed(text: str) -> tuple[ast.AST, ...]:
    try:
        return tuple(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _called(call: ast.Call) -> str:
    return _method(call) or getattr(call.func, "id", "")


def _as_written(call: ast.Call) -> str:
    """What is called, with the last part of what it is called on: `recv`, `sock.recv`."""
    receiver = _receiver(call).rpartition(".")[2]
    return f"{receiver}.{_called(call)}" if receiver else _called(call)


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _functions(lines: list[str]) -> list[_Function]:
    """The functions of a file, the outer before the inner."""
    return [node for node in _nodes(lines) if isinstance(node, _Function)]


def _innermost(functions: list[_Function], line: int) -> _Function | None:
    """The innermost of the functions around a line, None outside of all."""
    around = (one for one in reversed(functions) if one.lineno <= line <= (one.end_lineno or one.lineno))
    return next(around, None)


def is_select_with_writers(call: ast.Call) -> bool:
    """Whether a call is `select(r, w, ...)` with a write list that is not plainly empty, and waits."""
    writers = call.args[1] if len(call.args) > 1 else None
    empty = isinstance(writers, ast.List | ast.Tuple) and not writers.elts
    return _called(call) == "select" and writers is not None and not empty and not is_select_without_waiting(call)


def waits_in_set(call: ast.Call) -> bool:
    """Whether a call is the `poll()` or `select()` of an object that holds the sockets, and plainly waits."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "timeout")]
    if _method(call) not in ("poll", "select") or len(call.args) > 2:  # noqa: PLR2004 - a limit, and how many at most
        return False
    try:
        return not given or ast.literal_eval(given[0]) != 0
    except (ValueError, TypeError, RecursionError, MemoryError):
        return False


def registered_for_writing(lines: list[str]) -> list[int]:
    """Lines that register a client for writing, too, in a program that never changes what is registered.

    Without a mask that is so with poll() and epoll. [] where each such event is told of once only.
    """
    calls, poll_objects = list(_calls(lines)), _poll_objects(lines)
    listeners = {_receiver(call) for call in calls if _method(call) in ("accept", "listen")}
    found = []
    for call in calls:
        if _method(call) in ("modify", "ctl"):
            return []
        if _method(call) != "register" or not call.args:
            continue
        asked = [*call.args[1:2], *(word.value for word in call.keywords if word.arg in ("eventmask", "events"))]
        parts = [part for value in asked for part in ast.walk(value)]
        names = {getattr(part, "attr", "") or getattr(part, "id", "") for part in parts}
        if names & {"EPOLLET", "EPOLLONESHOT"}:
            return []
        writes = names & {"POLLOUT", "EPOLLOUT", "EVENT_WRITE"} or (not asked and _receiver(call) in poll_objects)
        if writes and _text(call.args[0]).removesuffix(".fileno()") not in listeners:
            found.append(call.lineno)
    return found


def _receiver(call: ast.Call) -> str:
    return _text(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _text(node: ast.AST) -> str:
    """An expression as it is written; "" where it nests too deeply to be one that a person wrote."""
    try:
        return ast.unparse(node)
    except RecursionError:
        return ""


def _poll_objects(lines: list[str]) -> set[str]:
    """The names to which a poll or epoll object is assigned."""
    return {
        _text(target)
        for node in _nodes(lines)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _text(node.value.func) in _POLL_OBJECTS
        for target in node.targets
    }


def is_select_without_waiting(call: ast.Call) -> bool:
    """Whether a call is `select(r, w, x, 0)`, in whatever way it was imported."""
    timeout = call.args[3] if len(call.args) > 3 else None  # noqa: PLR2004 - its fourth argument
    return _called(call) == "select" and isinstance(timeout, ast.Constant) and timeout.value == 0
