"""One look for all readers of the page: at most one a second, however many watch."""

import threading
import time
from collections.abc import Callable

from truth_console.flow.rows import Snapshot

LOOK_SECONDS = 1.0


class Board:
    """The newest snapshot. What Kafka told last stays on it, with its time, while Kafka is away."""

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        self._look = look
        self._looking = threading.Lock()
        self._seen: tuple[float, Snapshot] | None = None

    def now(self) -> Snapshot:
        """At most a second old. May be called from any thread."""
        with self._looking:
            if self._seen is None or time.monotonic() - self._seen[0] > LOOK_SECONDS:
                self._seen = time.monotonic(), self._look()
            return self._seen[1]
