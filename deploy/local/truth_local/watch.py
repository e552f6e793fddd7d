"""Telling what is going on while parts start, and giving up together."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field


class StartCancelledError(RuntimeError):
    """Another part failed, or the person at the keyboard gave up."""


def _silent(part: str, what: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Watch:
    """`tell(part, what)` is called at each step of each part, from several threads."""

    tell: Callable[[str, str], None] = _silent
    cancelled: threading.Event = field(default_factory=threading.Event)

    def say(self, part: str, what: str) -> None:
        """Tell what a part is at; raises StartCancelledError when the start as a whole was given up."""
        self.check()
        self.tell(part, what)

    def check(self) -> None:
        """Raise StartCancelledError when the start as a whole was given up."""
        if self.cancelled.is_set():
            raise StartCancelledError

    def together(self, works: Sequence[Callable[[], None]]) -> None:
        """Do works side by side; the first failure, or Ctrl-C, ends the others and is raised after them."""
        with ThreadPoolExecutor(max(1, len(works))) as pool:
            futures = [pool.submit(work) for work in works]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                self.cancelled.set()
                raise
