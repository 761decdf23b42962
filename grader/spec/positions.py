"""YAML as plain data, with the place of every key and value in the file."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import yaml

from grader.spec.problems import Place, Problem, SpecError

Path = tuple[str | int, ...]

_MOST_NODES = 20_000
_MOST_DEPTH = 50
_MOST_BYTES = 1 << 20
_MOST_BITS = 1000


class _Loader(yaml.SafeLoader):
    """The safe loader without what surprises people in YAML 1.1: `on` and `no` are words, `10:30` is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_BOOLEANS = {"true": True, "false": False}
_TAGS = "tag:yaml.org,2002:"
_SCALARS = ("null", "bool", "int", "float", "str", "value", "merge")


_BREAK = re.compile(r"\r\n|\r|\n")
"""Where a line ends, as editors have it; YAML takes some rarer characters for ends of lines too."""


def lines_of(text: str) -> list[str]:
    """The lines that places count, without their ends."""
    return _BREAK.split(text)


class _Lines:
    """Finds the place of a character of a text by its number."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def place(self, index: int) -> Place:
        line = bisect_right(self._starts, index)
        return Place(line, index - self._starts[line - 1] + 1)


@dataclass
class Document:
    """`data` is made of dict, list, str, int, float, bool and None. `keys` and `values` are places by path."""

    file: str
    data: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where a path stands: of its value, or of its key; for what is not there, of what encloses it."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(1, 1))


def read_yaml(text: bytes, file: str) -> Document:
    """Parse one document.

    Raises:
        SpecError: it is not YAML, or not such as a spec may be written in; with every problem that was found.
    """
    document = Document(file)
    if len(text) > _MOST_BYTES:
        raise SpecError([Problem("the file is larger than 1 MiB", file, Place(1, 1))])
    decoded = _decoded(text, file)
    lines = _Lines(decoded)
    _Reader(document, lines).read(_compose(decoded, lines, file))
    if document.problems:
        raise SpecError(document.problems)
    return document


def _compose(decoded: str, lines: _Lines, file: str) -> yaml.Node:
    try:
        loader = _Loader(decoded)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = lines.place(mark.index) if mark else Place(1, 1)
        raise SpecError([Problem(f"this is not valid YAML: {error.problem or error.context}", file, place)]) from None
    except yaml.reader.ReaderError as error:
        at = error.position
        problem = Problem(f"a spec may not hold the character {decoded[at]!r}", file, lines.place(at))
        raise SpecError([problem]) from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise SpecError([Problem(f"this cannot be read as YAML: {type(error).__name__}", file, Place(1, 1))]) from None
    if node is None:
        raise SpecError([Problem("the file is empty; a spec begins with 'spec: NAME'", file, Place(1, 1))])
    return node


def _decoded(text: bytes, file: str) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error counts from behind a byte order mark, and in bytes.
        before = error.object[: error.start].decode()
        place = _Lines(before).place(len(before))
        raise SpecError([Problem("this is not UTF-8 text", file, place)]) from None


class _Reader:
    def __init__(self, document: Document, lines: _Lines) -> None:
        self._document = document
        self._lines = lines
        self._count = 0

    def read(self, node: yaml.Node) -> None:
        self._document.data = self._value(node, ())

    def _place(self, node: yaml.Node) -> Place:
        return self._lines.place(node.start_mark.index)

    def _complain(self, node: yaml.Node, message: str) -> None:
        self._document.problems.append(Problem(message, self._document.file, self._place(node)))

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._count += 1
        if self._count > _MOST_NODES or len(path) > _MOST_DEPTH:
            what = "this is nested too deeply" if len(path) > _MOST_DEPTH else "the file holds too many values"
            problems = [*self._document.problems, Problem(what, self._document.file, self._place(node))]
            raise SpecError(problems)
        self._document.values[path] = self._place(node)
        if isinstance(node, yaml.MappingNode):
            self._tag(node, "map")
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self._tag(node, "seq")
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(key_node, "a key must be a word")
                continue
            self._tag(key_node, *_SCALARS)
            key = self._text(key_node)
            if key in found:
                self._complain(key_node, f"the key {key!r} is there twice")
            self._document.keys[(*path, key)] = self._place(key_node)
            found[key] = self._value(value_node, (*path, key))
        return found

    def _tag(self, node: yaml.Node, *right: str) -> str:
        tag = str(node.tag)
        if tag not in [_TAGS + name for name in right]:
            self._complain(node, f"the tag {tag!r} has no place in a spec")
        return tag.removeprefix(_TAGS)

    def _text(self, node: yaml.Node) -> str:
        # Half of a surrogate pair can be written as an escape, and then nowhere else.
        text = str(node.value)
        if half := next((character for character in text if "\ud800" <= character <= "\udfff"), ""):
            self._complain(node, f"a spec may not hold the character {half!r}")
        return text

    def _scalar(self, node: yaml.Node) -> Any:
        tag, text = self._tag(node, *_SCALARS), self._text(node)
        try:
            match tag:
                case "null":
                    return None
                case "bool":
                    return _BOOLEANS.get(text.lower(), text)
                case "int":
                    return text if ":" in text else _whole(text)
                case "float":
                    return (
                        text
                        if ":" in text
                        else float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
                    )
        except ValueError:
            pass
        return text


def _whole(text: str) -> int:
    found = int(text.replace("_", ""), 0)
    if found.bit_length() > _MOST_BITS:
        raise ValueError("nobody means a number that Python itself may refuse to print")
    return found
