"""Which backend a run gets: what was asked for by name is there, or the run ends."""

import subprocess
import sys
from pathlib import Path

import pytest
from truth_local import given, ports
from truth_local.backends import BackendError, choose
from truth_local.given import AddressError, Given
from truth_local.layout import Layout
from truth_local.system import NotOursError

ROOT = Path(__file__).parents[3]
GIVEN = {
    given.KAFKA: "broker.example.org:9092",
    given.KAFKA_ADMIN_PASSWORD: "a word",
    given.POSTGRES: "postgresql://postgres:p%40ss@db.example.org:5433/postgres",
}


def test_local_is_local_whatever_is_given() -> None:
    assert choose("local", GIVEN).kind == "local"


def test_addresses_that_are_given_are_used() -> None:
    chosen = choose("auto", GIVEN)
    assert chosen.kind == "url"
    assert "broker.example.org:9092" in chosen.why
    assert "p%40ss" not in chosen.why


@pytest.mark.parametrize("missing", sorted(GIVEN))
def test_url_without_an_address_ends_the_run(missing: str) -> None:
    with pytest.raises(BackendError, match=missing):
        choose("url", {name: value for name, value in GIVEN.items() if name != missing})


def test_given_addresses_take_the_place_of_ours(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.prepare()
    chosen = given.given(layout, ports.free(), GIVEN)
    assert chosen.address("kafka") == "broker.example.org:9092"
    assert chosen.address("postgres") == "db.example.org:5433"
    assert chosen.address("issuer").startswith("127.0.0.1:")
    assert layout.postgres_password("postgres").read_text() == "p@ss"
    assert layout.kafka_password("admin").read_text() == "a word"


@pytest.mark.parametrize(
    "address", ["postgresql://somebody:x@host/postgres", "postgresql://postgres@host/postgres"]
)
def test_an_address_without_the_superuser_is_refused(tmp_path: Path, address: str) -> None:
    layout = Layout(tmp_path)
    layout.prepare()
    with pytest.raises(AddressError):
        given.given(layout, ports.free(), {**GIVEN, given.POSTGRES: address})


def test_what_somebody_else_runs_is_not_stopped_from_here() -> None:
    theirs = Given("kafka")
    assert theirs.is_running()
    for handle in (theirs.start, theirs.stop, theirs.kill, theirs.freeze):
        with pytest.raises(NotOursError, match="--backend=local"):
            handle()
    theirs.thaw()


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Pytest with an engine's address at which nobody listens."""
    away = {"PATH": "/usr/bin:/bin", "DOCKER_HOST": "unix:///nobody/listens.sock", **environment}
    command = [sys.executable, "-m", "pytest", "--collect-only", "tests/architecture/test_words.py", *words]
    return subprocess.run(command, cwd=ROOT, env=away, capture_output=True, text=True, check=False)  # noqa: S603 ours


def test_containers_asked_for_without_an_engine_is_a_failure_and_no_skip() -> None:
    ran = run("--backend=containers")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no container engine answers" in ran.stderr


def test_without_an_engine_the_header_names_local_processes() -> None:
    ran = run()
    assert ran.returncode == 0
    assert (
        "backend: local: processes of Apache Kafka 4.3.1 and PostgreSQL 18 (no container engine answers)"
        in ran.stdout
    )
