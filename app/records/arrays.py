"""The objects of a JSON array, decoded one by one, so that each is known by its line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from app.records.lines import FileError

RECORD_MAX = 1_000_000
# A token that is cut off at the end of the text begins no farther from there.
TOKEN_MAX = 20
_BLANKS = re.compile(r"[ \t\r\n]*")
_BLANKS_AND_COMMAS = re.compile(r"[ \t\r\n,]*")


def read_array(read: Callable[[], str], member: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line and object of each element of a JSON array, or of the array that an object has as
    `member`. `read` gives the next piece of the text, "" at the end. Raises FileError.
    """
    text = _Text(read)
    bare = _begin(text, member)
    while (begins := text.look(_BLANKS_AND_COMMAS)) != "]":
        line = text.line
        if not begins:
            raise FileError(f"The file ends before its array of {member} does.")
        value = text.value()
        if not isinstance(value, dict):
            raise FileError(f"line {line}: a JSON object for each of the {member} is needed.")
        yield line, value
    text.take(1)
    if bare and text.look():
        raise FileError(f"line {text.line}: something comes after the end of the array.")


def _begin(text: _Text, member: str) -> bool:
    """Go into the array; whether it stands alone."""
    begins = text.look()
    if begins == "[":
        text.take(1)
        return True
    if not begins:
        raise FileError("The file is empty.")
    if begins == "{":
        text.take(1)
        while text.look(_BLANKS_AND_COMMAS) == '"':
            name = text.value()
            if text.look() != ":":
                break
            text.take(1)
            if name == member:
                if text.look() != "[":
                    break
                text.take(1)
                return False
            text.value()
    raise FileError(
        f'line {text.line}: a JSON array of {member}, or {{"{member}": [...]}}, is needed.'
    )


class _Text:
    """A text of which no more is kept than the value at hand needs."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._kept = ""
        self._at = 0
        self.line = 1

    def look(self, passed: re.Pattern[str] = _BLANKS) -> str:
        """The next character that is not passed over, not taken; "" at the end."""
        while True:
            found = passed.match(self._kept, self._at)
            assert found is not None  # noqa: S101  # It may match nothing, but it matches.
            self.take(found.end() - self._at)
            if self._at < len(self._kept):
                return self._kept[self._at]
            if not self._more():
                return ""

    def take(self, count: int) -> None:
        """Go on by so many characters."""
        self.line += self._kept.count("\n", self._at, self._at + count)
        self._at += count

    def value(self) -> Any:
        """The value that begins here."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._kept, self._at)
            except json.JSONDecodeError as error:
                if self._may_go_on(error):
                    if len(self._kept) - self._at >= RECORD_MAX:
                        raise FileError(
                            f"line {self.line}: what begins here is not closed within {RECORD_MAX}"
                            " characters."
                        ) from None
                    if self._more():
                        continue
                line = self.line + self._kept.count("\n", self._at, error.pos)
                raise FileError(f"line {line}: not JSON: {error.msg}.") from None
            except RecursionError:
                raise FileError(f"line {self.line}: not JSON: too deep.") from None
            except ValueError as error:
                raise FileError(f"line {self.line}: not what JSON should hold: {error}.") from None
            self.take(end - self._at)
            return value

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether the text may merely end too early; anything else no more of it can mend."""
        unclosed = error.msg.startswith("Unterminated string")
        return unclosed or error.pos >= len(self._kept) - TOKEN_MAX

    def _more(self) -> bool:
        piece = self._read()
        self._kept = self._kept[self._at :] + piece
        self._at = 0
        return bool(piece)


def decoded(text: str) -> Any:
    """The value that the whole text is, as strictly as in a file. Raises ValueError."""
    return _DECODER.decode(text)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has two members of one name")
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _whole(digits: str) -> int:
    if len(digits) > 100:
        raise ValueError("a number has too many digits")
    return int(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_each_once, parse_constant=_no_number, parse_int=_whole
)
