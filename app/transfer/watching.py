"""What an import or export is doing, for somebody who watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

SHOWN_EVERY = 200


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Shows what is being done and how many rows it has been done to, on a terminal alone."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        counts: dict[str, int] = {}
        tasks: dict[str, TaskID] = {}

        def tick(step: str) -> None:
            counts[step] = counts.get(step, 0) + 1
            if step not in tasks:
                # Rows that were checked are imported next: only then their number is known.
                known = (
                    counts.get(step.replace("Importing", "Checking")) if step[0] == "I" else None
                )
                tasks[step] = bar.add_task(step, total=known)
            if counts[step] % SHOWN_EVERY == 1:
                bar.update(tasks[step], completed=counts[step])

        yield tick
        for step, task in tasks.items():
            bar.update(task, completed=counts[step], total=counts[step])
