"""The five services as parts: their settings, their migrations, their processes."""

import sys

from truth_local import kafka, postgres
from truth_local.environment import bare, is_ok
from truth_local.layout import STEP_SIGNERS, Layout
from truth_local.ports import Ports
from truth_local.processes import Part, run


def part(layout: Layout, ports: Ports, name: str) -> Part:
    """One replica (`intake-1`) as a process; ready when /health/ready says so."""
    service = name.rpartition("-")[0]
    settings = _settings(layout, ports, service) | _prefixed(
        service,
        {
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(ports.of[name]),
            "HTTP_PUBLIC_URL": ports.url(name),
            "REPLICA": name,
        },
    )
    return Part(
        name=name,
        command=(sys.executable, "-m", f"truth_{service}", "serve"),
        folder=layout.folder,
        log=layout.log(name),
        ready=lambda: is_ok(f"http://127.0.0.1:{ports.of[name]}/health/ready"),
        environment=bare(settings),
    )


def migrate(layout: Layout, ports: Ports, service: str) -> None:
    """Bring the service's database to its newest revision, as its owner; raises StartError."""
    owner = f"{service}_owner"
    settings = _settings(layout, ports, service) | _prefixed(
        service,
        {
            "DATABASE_OWNER_DSN": _dsn(ports, owner, service),
            "DATABASE_OWNER_PASSWORD_FILE": str(layout.postgres_password(owner)),
        },
    )
    run(layout.folder, service, [sys.executable, "-m", f"truth_{service}", "migrate"], bare(settings))


def _settings(layout: Layout, ports: Ports, service: str) -> dict[str, str]:
    app = f"{service}_app"
    settings = {
        "KAFKA_BOOTSTRAP": kafka.bootstrap(ports),
        "KAFKA_USERNAME": service,
        "KAFKA_PASSWORD_FILE": str(layout.kafka_password(service)),
        "DATABASE_DSN": _dsn(ports, app, service),
        "DATABASE_PASSWORD_FILE": str(layout.postgres_password(app)),
        "ISSUER": ports.url("issuer"),
    }
    if service in STEP_SIGNERS:
        settings["STEP_KEY_FILE"] = str(layout.step_key(service))
    if service == "execution":
        settings["EVIDENCE_FOLDER"] = str(layout.evidence / "execution")
    if service == "records":
        settings["EVIDENCE_SOURCE"] = str(layout.evidence / "execution")
        settings["EVIDENCE_FOLDER"] = str(layout.evidence / "records")
    return _prefixed(service, settings) | {"TRUTH_STEP_KEYS_FILE": str(layout.step_keys)}


def _dsn(ports: Ports, role: str, database: str) -> str:
    """Without a password: the services read theirs from a file."""
    return f"postgresql://{role}@{postgres.address(ports)}/{database}"


def _prefixed(service: str, settings: dict[str, str]) -> dict[str, str]:
    return {f"TRUTH_{service.upper()}_{name}": value for name, value in settings.items()}
