"""Kafka and PostgreSQL as containers, at the very ports where the local processes would listen. For tests.

`testcontainers` brings them up and clears them away.
"""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from docker.models.containers import Container
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer

from truth_local.kafka_container import KafkaContainer
from truth_local.layout import Layout
from truth_local.passwords import password
from truth_local.ports import Ports
from truth_local.postgres import SUPERUSER

POSTGRES_IMAGE = "postgres:18"
_STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Contained:
    """One part as a container. Its handles return when done, as those of a process do."""

    container: DockerContainer

    @property
    def _own(self) -> Container:
        own = self.container.get_wrapped_container()
        own.reload()
        return own

    def is_running(self) -> bool:
        """Whether it runs, frozen or not."""
        return self._own.status in {"running", "paused"}

    def start(self) -> None:
        """Start it again, at its old port and with its old files."""
        self._own.start()

    def stop(self) -> None:
        """End it in its orderly way."""
        self.thaw()
        self._own.stop(timeout=_STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL."""
        if self.is_running():
            self._own.kill()
            self._own.wait(timeout=_STOP_SECONDS)

    def freeze(self) -> None:
        """Its processes keep their connections and answer nothing."""
        self._own.pause()

    def thaw(self) -> None:
        """The end of `freeze`."""
        if self._own.status == "paused":
            self._own.unpause()


@contextmanager
def contained(layout: Layout, ports: Ports) -> Generator[Mapping[str, Contained]]:
    """Both as running containers, by the name of the part; removed after the block, data and all."""
    kafka = KafkaContainer(ports.of["kafka"], password(layout.kafka_password("admin")))
    postgres = PostgresContainer(
        POSTGRES_IMAGE,
        username=SUPERUSER,
        password=password(layout.postgres_password(SUPERUSER)),
        dbname="postgres",
        driver=None,
    )
    postgres.with_bind_ports(5432, ports.of["postgres"])
    postgres.with_command("postgres -c max_connections=200 -c shared_buffers=64MB")
    with ExitStack() as running:
        running.enter_context(kafka)
        running.enter_context(postgres)
        kafka.make_admin()
        yield {"kafka": Contained(kafka), "postgres": Contained(postgres)}
