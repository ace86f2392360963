"""Files as text: their encoding, their lines, and what they hold that is no text."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import BinaryIO

LINE_MAX = 1_000_000
PIECE = 65_536
UTF_8 = "utf-8"
_BOMS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class FileError(Exception):
    """The file cannot be read as a list of records; the message says on which line, and why."""


def decoded_lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines with their ends. Raises FileError for what is no text, naming its line."""
    for number, piece in enumerate(_lines(_pieces(file, encoding)), 1):
        if "\0" in piece:
            raise FileError(
                f"line {number}: holds a NUL character: is it a text file at all? If it is UTF-16"
                " without a byte order mark, say --encoding utf-16."
            )
        yield piece


def text_reader(file: BinaryIO, encoding: str) -> Callable[[], str]:
    """Reads the next piece of the text, "" at its end. Raises FileError."""
    pieces = _pieces(file, encoding)
    return lambda: next(pieces, "")


def _pieces(file: BinaryIO, encoding: str) -> Iterator[str]:
    start = file.read(4)
    for mark, meant in _BOMS:
        if start.startswith(mark):
            start, encoding = start[len(mark) :], meant
            break
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    raw = start + file.read(PIECE)
    while True:
        try:
            text = decoder.decode(raw, final=not raw)
        except UnicodeError as error:
            line, byte = lines + 1, ""
            if isinstance(error, UnicodeDecodeError):
                line += error.object[: error.start].decode(encoding, "replace").count("\n")
                byte = f" (byte {error.object[error.start]:#04x})"
            raise FileError(
                f"line {line}: not {encoding.upper()}{byte}."
                " Save it as UTF-8 (a spreadsheet: CSV UTF-8), or say --encoding, such as cp1252."
            ) from None
        lines += text.count("\n")
        if text:
            yield text
        if not raw:
            return
        raw = file.read(PIECE)


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    rest, number = "", 0
    for piece in pieces:
        lines = (rest + piece).split("\n")
        rest = lines.pop()
        for line in lines:
            number += 1
            yield line + "\n"
        if len(rest) > LINE_MAX:
            raise FileError(f"line {number + 1}: longer than {LINE_MAX} characters.")
    if rest:
        yield rest
