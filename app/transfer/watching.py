"""What an import or export is doing, for somebody who watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

SHOWN_EVERY = 200
CHECKING, IMPORTING = "Checking", "Importing"


class Tick(Protocol):
    """Hears of every row once for each step: "Checking slots", "Importing slots"."""

    def __call__(self, step: str) -> None: ...

    def anew(self) -> None:
        """All of it begins again."""


class Unwatched:
    """Nobody watches."""

    def __call__(self, step: str) -> None:
        """As Tick has it."""

    def anew(self) -> None:
        """As Tick has it."""


class Counts:
    """How many rows each step has been done to, and to how many it will be, as far as is known."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {}

    def __call__(self, step: str) -> None:
        self.done[step] = self.done.get(step, 0) + 1

    def anew(self) -> None:
        self.done.clear()

    def total(self, step: str) -> int | None:
        """Rows that were checked are imported next: only then their number is known."""
        if not step.startswith(IMPORTING):
            return None
        return self.done.get(step.replace(IMPORTING, CHECKING, 1))


class _Shown(Counts):
    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str) -> None:
        super().__call__(step)
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step, total=self.total(step))
        if self.done[step] % SHOWN_EVERY == 1:
            self._bar.update(self._tasks[step], completed=self.done[step])

    def anew(self) -> None:
        super().anew()
        for task in self._tasks.values():
            self._bar.remove_task(task)
        self._tasks.clear()

    def finish(self) -> None:
        """Everything is done that will be."""
        for step, task in self._tasks.items():
            self._bar.update(task, completed=self.done[step], total=self.done[step])


@contextmanager
def progress(console: Console | None = None) -> Iterator[Tick]:
    """Shows what is being done and how many rows it has been done to, on a terminal alone."""
    console = console or Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        shown = _Shown(bar)
        yield shown
        shown.finish()
