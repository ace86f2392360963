"""What files call their rows: each row by another name."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import pairwise
from typing import Any

from app.records.reading import Record
from app.transfer.faults import Faults, Wrong

REF_MAX = 200


def ref_of(cells: dict[str, Any], wrong: Wrong) -> str | None:
    """What the file calls the row, taken out of `cells`."""
    ref = cells.pop("ref", None)
    if ref is None:
        return None
    text = str(ref).strip()
    if not 1 <= len(text) <= REF_MAX:
        wrong["ref"] = f"At most {REF_MAX} characters."
    return text


class Refs:
    """The refs of the rows of one kind. Remembers sixteen bytes of a row, however long its ref."""

    def __init__(self) -> None:
        self._hashes, self._lines = array("q"), array("q")
        # Where each file begins among them.
        self._files: list[str] = []
        self._begins: list[int] = []

    def note(self, file: str, record: Record) -> None:
        """The next row, in the order of the files."""
        ref = record.cells.get("ref")
        if ref is None:
            return
        if not self._files or self._files[-1] != file:
            self._files.append(file)
            self._begins.append(len(self._lines))
        self._hashes.append(hash(str(ref).strip()))
        self._lines.append(record.line)

    def tell(self, faults: Faults) -> None:
        """Note every row whose ref another row before it has."""
        ordered = array("q", sorted(self._hashes))
        often = {one for one, other in pairwise(ordered) if one == other}
        first: dict[int, int] = {}
        for i, one in enumerate(self._hashes if often else ()):
            if one not in often:
                continue
            if first.setdefault(one, i) == i:
                continue
            file, line = self._place(i)
            if faults.has(file, Record(line, {}), "ref"):
                continue
            above, its_line = self._place(first[one])
            where = f"line {its_line}" if above == file else f"{above} line {its_line}"
            wrong = {"ref": f"The row of {where} has this ref, too: give each its own."}
            faults.add(file, Record(line, {}), wrong)

    def _place(self, index: int) -> tuple[str, int]:
        return self._files[bisect_right(self._begins, index) - 1], self._lines[index]
