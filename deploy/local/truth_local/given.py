"""A Kafka and a PostgreSQL that somebody else runs, given by their addresses: the backend `url`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from truth_local.layout import Layout, write_private
from truth_local.ports import Ports
from truth_local.postgres import SUPERUSER
from truth_local.system import NotOursError

KAFKA = "TRUTH_TEST_KAFKA"
KAFKA_ADMIN_PASSWORD = "TRUTH_TEST_KAFKA_ADMIN_PASSWORD"  # noqa: S105 the name of a variable
POSTGRES = "TRUTH_TEST_POSTGRES"
SETTINGS = (KAFKA, KAFKA_ADMIN_PASSWORD, POSTGRES)


class AddressError(ValueError):
    """An address does not say what is needed."""


@dataclass(frozen=True, slots=True)
class Given:
    """A part that somebody else runs."""

    name: str

    def is_running(self) -> bool:
        """Always, as far as is known here."""
        return True

    def start(self) -> None:
        """It is theirs to start."""
        self._refuse()

    def stop(self) -> None:
        """It is theirs to stop."""
        self._refuse()

    def kill(self) -> None:
        """It is theirs to kill."""
        self._refuse()

    def freeze(self) -> None:
        """It is theirs to freeze."""
        self._refuse()

    def thaw(self) -> None:
        """It was never frozen."""

    def _refuse(self) -> NoReturn:
        raise NotOursError(f"{self.name} was given by its address; tests that stop it need --backend=local.")


def given(layout: Layout, chosen: Ports, environment: Mapping[str, str]) -> Ports:
    """The ports with those that were given in place of ours; writes down the given passwords."""
    host, _, port = environment[KAFKA].rpartition(":")
    write_private(layout.kafka_password("admin"), environment[KAFKA_ADMIN_PASSWORD])
    server = urlsplit(environment[POSTGRES])
    if server.username != SUPERUSER or server.hostname is None or server.password is None:
        raise AddressError(f"{POSTGRES} is postgresql://{SUPERUSER}:password@host:port/postgres")
    write_private(layout.postgres_password(SUPERUSER), unquote(server.password))
    of = {**chosen.of, "kafka": int(port), "postgres": server.port or 5432}
    return Ports(of, {"kafka": host, "postgres": server.hostname})
