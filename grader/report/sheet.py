"""A CSV file that some cells are set in; all others stay as they are, to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SEPARATORS = (",", ";", "\t")
_SPECIAL = re.compile(r'[",;\t\r\n]|^\s|\s$')


class SheetError(ValueError):
    """A file that is no such table; the message says where and why, and what would be right."""


@dataclass(slots=True)
class Line:
    """A row: its cells as they are written, with their quotes, the line's end, and its number in the file, from 1."""

    raw: list[str]
    end: str
    number: int

    @property
    def cells(self) -> list[str]:
        """The cells as they are meant."""
        return [_meant(cell) for cell in self.raw]


class Sheet:
    """A table of text with a header; `name` is what messages call the file.

    Raises:
        SheetError: it is no text, is empty, or a quote in it is never closed.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise SheetError(f"{name}:{line}: this is no UTF-8; download it again, or save it as CSV UTF-8") from None
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        text = text.removeprefix("\ufeff")
        self.separator = max(_SEPARATORS, key=text.partition("\n")[0].count)
        self.lines = list(self._split(text))
        if not self.lines or not any(self.lines[0].cells):
            raise SheetError(f"{name}:1: this is empty; a table begins with the names of its columns")
        self.head = [cell.strip() for cell in self.lines[0].cells]

    def set(self, line: Line, column: int, text: str) -> None:
        """Set a cell; the row is made long enough."""
        line.raw += [""] * (column + 1 - len(line.raw))
        line.raw[column] = f'"{text.replace(chr(34), chr(34) * 2)}"' if _SPECIAL.search(text) else text

    def text(self) -> str:
        """The whole file."""
        rows = (self.separator.join(line.raw) + line.end for line in self.lines)
        return self._mark + "".join(rows)

    def column(self, names: Sequence[str]) -> int | None:
        """The only column with one of these names, in whatever case; None if there is none.

        Raises:
            SheetError: there are several.
        """
        wanted = {name.casefold() for name in names}
        found = [index for index, name in enumerate(self.head) if name.casefold() in wanted]
        if len(found) > 1:
            raise SheetError(f"{self.name}:1: there are {len(found)} columns {self.head[found[0]]!r}")
        return found[0] if found else None

    def needed(self, name: str) -> int:
        """The column of that name.

        Raises:
            SheetError: there is none, or there are several.
        """
        found = self.column([name])
        if found is None:
            raise SheetError(f"{self.name}:1: there is no column {name!r}; there are {', '.join(map(repr, self.head))}")
        return found

    def _split(self, text: str) -> Iterator[Line]:
        """RFC 4180, with any of the three separators and any line end."""
        raw, start, at, number, first = [], 0, 0, 1, 1
        while at < len(text):
            char = text[at]
            if char == '"' and not text[start:at].strip(" "):
                closed = _closing(text, at)
                if closed is None:
                    raise SheetError(f"{self.name}:{number}: a quote is opened here and never closed")
                number += text.count("\n", at, closed)
                at = closed + 1
            elif char == self.separator:
                raw.append(text[start:at])
                at += 1
                start = at
            elif char in "\r\n":
                end = "\r\n" if text.startswith("\r\n", at) else char
                yield Line([*raw, text[start:at]], end, first)
                at += len(end)
                raw, start, number = [], at, number + 1
                first = number
            else:
                at += 1
        if raw or start < len(text):
            yield Line([*raw, text[start:]], "", first)


def _closing(text: str, opened: int) -> int | None:
    at = text.find('"', opened + 1)
    while at != -1 and text.startswith('""', at):
        at = text.find('"', at + 2)
    return None if at == -1 else at


def _meant(raw: str) -> str:
    cell = raw.strip(" ")
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return raw
