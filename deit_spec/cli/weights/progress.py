"""A bar for what takes more than a second, on a terminal."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

PATIENCE = 1.0
"""Seconds before a bar is shown."""


class Bar:
    """Shows on stderr how far the reading and writing of weights has come."""

    def __init__(
        self,
        console: "Console | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from rich.console import Console

        self.console = console or Console(stderr=True)
        self.clock = clock
        self.start = clock()
        self.bar: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, doing: str, done: int, total: int) -> None:
        """Show that this much of something is done."""
        if not self.console.is_terminal or self.clock() - self.start < PATIENCE:
            return
        if self.bar is None:
            from rich.progress import Progress

            self.bar = Progress(console=self.console, transient=True)
            self.bar.start()
        if doing not in self.tasks:
            self.tasks[doing] = self.bar.add_task(doing)
        self.bar.update(self.tasks[doing], completed=done, total=total)
