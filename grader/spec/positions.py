"""YAML as plain data, with the place of every key and value in the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from grader.spec.problems import Place, Problem, SpecError

Path = tuple[str | int, ...]

_MOST_NODES = 20_000
_MOST_DEPTH = 50
_MOST_BYTES = 1 << 20


class _Loader(yaml.SafeLoader):
    """The safe loader without what surprises people in YAML 1.1: `on` and `no` are words, `10:30` is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_BOOLEANS = {"true": True, "false": False}


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
    node = _compose(text, file)
    _Reader(document).read(node)
    if document.problems:
        raise SpecError(document.problems)
    return document


def _compose(text: bytes, file: str) -> yaml.Node:
    try:
        loader = _Loader(text.decode("utf-8-sig"))
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        column = error.start - (text.rfind(b"\n", 0, error.start) + 1) + 1
        raise SpecError([Problem("this is not UTF-8 text", file, Place(line, column))]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise SpecError([Problem(f"this is not valid YAML: {error.problem or error.context}", file, place)]) from None
    except yaml.reader.ReaderError as error:
        raise SpecError(
            [Problem(f"a spec may not hold the character {error.character!r}", file, Place(1, 1))]
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SpecError([Problem(f"this cannot be read as YAML: {type(error).__name__}", file, Place(1, 1))]) from None
    if node is None:
        raise SpecError([Problem("the file is empty; a spec begins with 'spec: NAME'", file, Place(1, 1))])
    return node


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def read(self, node: yaml.Node) -> None:
        self._document.data = self._value(node, ())

    def _complain(self, node: yaml.Node, message: str) -> None:
        self._document.problems.append(Problem(message, self._document.file, _place(node)))

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._count += 1
        if self._count > _MOST_NODES or len(path) > _MOST_DEPTH:
            what = "this is nested too deeply" if len(path) > _MOST_DEPTH else "the file holds too many values"
            problems = [*self._document.problems, Problem(what, self._document.file, _place(node))]
            raise SpecError(problems)
        self._document.values[path] = _place(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(key_node, "a key must be a word")
                continue
            key = str(key_node.value)
            if key in found:
                self._complain(key_node, f"the key {key!r} is there twice")
            self._document.keys[(*path, key)] = _place(key_node)
            found[key] = self._value(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        tag, text = node.tag.removeprefix("tag:yaml.org,2002:"), str(node.value)
        try:
            match tag:
                case "null":
                    return None
                case "bool":
                    return _BOOLEANS.get(text.lower(), text)
                case "int":
                    return text if ":" in text else int(text.replace("_", ""), 0)
                case "float":
                    return (
                        text
                        if ":" in text
                        else float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
                    )
                case "str" | "value" | "merge":
                    return text
        except ValueError:
            return text
        self._complain(node, f"the tag {node.tag!r} has no place in a spec")
        return text


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
