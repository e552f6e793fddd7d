"""Looks again and again, and remembers what came before, and since when somebody is silent."""

import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime

from truth_contracts.ops import Flow

from truth_console.asking import Services, Silence
from truth_console.broker import Broker, BrokerError, KafkaLook
from truth_console.flow.rows import Found, Sight, Snapshot, Stand, headline, rows

TREND_SECONDS = 4.0
"""A trend compares with the look so long ago, or with the oldest there is."""


class Watch:
    """Makes snapshots. One thread at a time."""

    def __init__(self, services: Services, broker: Broker) -> None:
        self._services, self._broker = services, broker
        self._looks: deque[tuple[float, KafkaLook]] = deque(maxlen=60)
        self._since: dict[str, tuple[str, datetime]] = {}  # what ails a service, since when

    def snapshot(self) -> Snapshot:
        """Now. Never raises: what cannot be found out is told as that."""
        found = self._services.flows()
        silent = self._look()
        now = datetime.now(UTC)
        look = self._looks[-1][1] if self._looks else None
        made = rows(Sight(look, self._before(), found, now))
        stands = [self._stand(name, told, now) for name, told in found.items()]
        told = headline(made, stands, silent)
        return Snapshot(now, look.at if look else None, silent, made, stands, told)

    def _look(self) -> str | None:
        try:
            self._looks.append((time.monotonic(), self._broker.look()))
        except BrokerError as error:
            return f"does not answer ({error.args[0].name() if error.args else error})"
        return None

    def _before(self) -> KafkaLook | None:
        """The newest look that is old enough to compare with, else the first; None without two."""
        if len(self._looks) < 2:  # noqa: PLR2004 this one and another
            return None
        last = self._looks[-1][0]
        old = [look for at, look in list(self._looks)[:-1] if last - at >= TREND_SECONDS]
        return old[-1] if old else self._looks[0][1]

    def _stand(self, name: str, told: Found, now: datetime) -> Stand:
        failing: Mapping[str, str] = {} if isinstance(told, Silence) else told.failing
        trouble = told.reason if isinstance(told, Silence) else ", ".join(sorted(failing))
        since = self._note(name, "silent" if isinstance(told, Silence) else trouble, now)
        if isinstance(told, Silence):
            return Stand(name, None, told.reason, since, {}, None, None, None)
        return Stand(
            name, told.version, None, since, failing, told.outbox_rows, _unsent_seconds(told), told.waiting
        )

    def _note(self, name: str, trouble: str, now: datetime) -> datetime | None:
        """Since when it is in this trouble; None without any."""
        if not trouble:
            self._since.pop(name, None)
            return None
        if self._since.get(name, ("", now))[0] != trouble:
            self._since[name] = (trouble, now)
        return self._since[name][1]


def _unsent_seconds(told: Flow) -> float | None:
    return 0.0 if told.outbox_rows == 0 else told.outbox_oldest_seconds
