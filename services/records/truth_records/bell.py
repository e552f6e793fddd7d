"""A bell between tasks of one process: it shortens a wait and is never the truth."""

import asyncio

_ECHO_SECONDS = 0.005
_ECHO_SECONDS_MAX = 0.4


class Bell:
    """Rung by a transaction that is about to commit, so whoever was woken looks again a few times, soon."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._echo_seconds = 0.0

    def ring(self) -> None:
        """Wake whoever waits."""
        self._echo_seconds = _ECHO_SECONDS
        self._rung.set()

    async def wait(self, stopping: asyncio.Event, seconds: float) -> None:
        """Until it rings or echoes, the process stops, or `seconds` have passed."""
        if self._echo_seconds:
            seconds = min(seconds, self._echo_seconds)
            self._echo_seconds = self._echo_seconds * 2 if self._echo_seconds < _ECHO_SECONDS_MAX else 0.0
        told = {asyncio.ensure_future(event.wait()) for event in (self._rung, stopping)}
        await asyncio.wait(told, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for waiting in told:
            waiting.cancel()
        self._rung.clear()
