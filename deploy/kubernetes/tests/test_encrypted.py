"""A service with the very settings of its manifest, among neighbours that speak TLS only."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer
from truth_contracts.topics import TOPICS
from truth_gate.flight import between
from truth_local import ports
from truth_local.demo.acting import wait_for
from truth_local.passwords import password
from truth_local.starting import stop_all
from truth_local.system import System, describe
from truth_local.trust import write_trust
from truth_topology.connection import Login, answers
from truth_topology.connection import settings as of_client

from deploy.kubernetes.tests import encrypted
from deploy.kubernetes.tests.reading import settings


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod of intake would run: the manifest's settings, their hosts and paths being this machine's."""

    system: System
    secrets: Path
    environment: dict[str, str]

    def run(self, command: str, log: Path) -> "subprocess.Popen[bytes]":
        """Start `python -m truth_intake COMMAND`."""
        with log.open("ab") as told:
            return subprocess.Popen(  # noqa: S603 our own service
                [sys.executable, "-m", "truth_intake", command],
                env=self.environment,
                stdout=told,
                stderr=told,
            )

    @property
    def is_ready(self) -> bool | None:
        """True once it is; None until then."""
        try:
            port = self.environment["TRUTH_INTAKE_HTTP_PORT"]
            return httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).is_success or None
        except httpx.TransportError:
            return None


@pytest.fixture(scope="module")
def place() -> Generator[Place]:
    with tempfile.TemporaryDirectory(prefix="truth-", ignore_cleanup_errors=True) as folder:
        system = describe(Path(folder), ports.free())
        secrets = Path(folder) / "mounted"
        secrets.mkdir()
        of_kafka, of_database = (encrypted.authority(secrets, name) for name in ("kafka", "database"))
        try:
            write_trust(system.layout, system.ports)
            encrypted.start_postgres(system)
            login = encrypted.start_kafka(system, of_kafka)
            with encrypted.front(system.ports.of["postgres"], of_database) as port:
                mount(system, secrets)
                yield Place(system, secrets, localised(system, secrets, login.bootstrap, f"localhost:{port}"))
        finally:
            stop_all(system, lambda _part, _what: None)


def mount(system: System, secrets: Path) -> None:
    """The files that the pod's volumes would bring, under the names that the manifest gives them."""
    layout = system.layout
    brought = {
        "kafka-password": password(layout.kafka_password("intake")),
        "database-password": password(layout.postgres_password("intake_app")),
        "password": password(layout.postgres_password("intake_owner")),
        "sign-in": password(layout.client_secret("intake")),
        "step-key.pem": layout.step_key("intake").read_text(),
    }
    for name, text in brought.items():
        (secrets / name).write_text(text)


def localised(system: System, secrets: Path, kafka: str, database: str) -> dict[str, str]:
    given = {
        name: value.replace("/run/secrets/truth", str(secrets))
        .replace("/run/secrets/owner", str(secrets))
        .replace("truth-kafka-bootstrap:9093", kafka)
        .replace("database-intake-rw:5432", database)
        for name, value in settings("intake").items()
    }
    own = {"TRUTH_INTAKE_HTTP_PORT": str(system.ports.of["intake-1"]), "TRUTH_INTAKE_HTTP_HOST": "127.0.0.1"}
    return {"PATH": os.environ["PATH"], **given, **own}


def test_it_migrates_and_becomes_ready(place: Place, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert place.run("migrate", log).wait(90) == 0, log.read_text()
    serving = place.run("serve", log)
    try:
        wait_for(lambda: place.is_ready, "a ready service", 90)
    finally:
        serving.terminate()
        assert serving.wait(30) == 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        pytest.param("TRUTH_INTAKE_DATABASE_OWNER_DSN", "kafka-ca.crt", id="another CA"),
        pytest.param("TRUTH_INTAKE_DATABASE_OWNER_DSN", None, id="no TLS"),
    ],
)
def test_a_database_that_it_cannot_trust_gets_no_password(
    place: Place, tmp_path: Path, setting: str, value: str | None
) -> None:
    dsn = place.environment[setting]
    wrong = dsn.replace("database-ca.crt", value) if value else f"{dsn.partition('?')[0]}?sslmode=disable"
    refused = Place(place.system, place.secrets, {**place.environment, setting: wrong})
    log = tmp_path / "log"
    assert refused.run("migrate", log).wait(90) != 0
    assert "database.migrated" not in log.read_text()


def administrator(place: Place, ca: str) -> Login:
    port, admin = place.system.ports.of["kafka"], password(place.system.layout.kafka_password("admin"))
    return Login(f"localhost:{port}", "admin", admin, "SASL_SSL", place.secrets / ca)


def test_a_broker_that_it_cannot_trust_is_no_broker(place: Place) -> None:
    assert answers(administrator(place, "kafka-ca.crt"))
    assert not answers(administrator(place, "database-ca.crt"))


def test_the_gate_counts_what_is_in_flight_there(place: Place) -> None:
    trusted = administrator(place, "kafka-ca.crt")
    producer = Producer(of_client(trusted))
    producer.produce("records.sealed", b"{}", headers={"ce_type": "truth.records.sealed.v1"})
    assert producer.flush(30) == 0
    (topic,) = (topic for topic in TOPICS if topic.name == "records.sealed")
    (found,) = between(trusted, "signals", [topic])
    assert (found.type, found.count) == ("truth.records.sealed.v1", 1)
