"""The five services as parts: their settings, their migrations, their processes."""

import json
import sys

from truth_kit.connections import BlobStore

from truth_local import kafka, postgres, store
from truth_local.detours import Detour
from truth_local.environment import bare, is_ok
from truth_local.layout import SERVICES, STEP_SIGNERS, Layout
from truth_local.ports import Ports
from truth_local.processes import Part, run
from truth_local.trust import LOG_ORIGIN, SIGNAL_KEY_NAME


def part(
    layout: Layout, ports: Ports, name: str, detour: Detour | None = None, *, is_on_s3: bool = False
) -> Part:
    """One replica (`intake-1`) as a process; ready when /health/ready says so."""
    return Part(
        name=name,
        command=(sys.executable, "-m", f"truth_{_service(name)}", "serve"),
        folder=layout.folder,
        log=layout.log(name),
        ready=lambda: is_ok(f"http://127.0.0.1:{ports.of[name]}/health/ready"),
        environment=bare(
            _settings(layout, ports, name)
            | _evidence(layout, ports, name, is_on_s3=is_on_s3)
            | _by_detour(name, detour)
        ),
    )


def migrate(layout: Layout, ports: Ports, service: str) -> None:
    """Bring the service's database to its newest revision, as its owner; raises StartError."""
    owner = f"{service}_owner"
    as_owner = {
        "DATABASE_OWNER_DSN": _dsn(ports, owner, service),
        "DATABASE_OWNER_PASSWORD_FILE": str(layout.postgres_password(owner)),
    }
    settings = _settings(layout, ports, f"{service}-1") | _evidence(layout, ports, f"{service}-1")
    environment = bare(settings | _prefixed(service, as_owner))
    run(layout.folder, service, [sys.executable, "-m", f"truth_{service}", "migrate"], environment)


def _service(part_name: str) -> str:
    return part_name.rpartition("-")[0]


def _settings(layout: Layout, ports: Ports, name: str) -> dict[str, str]:
    service = _service(name)
    app = f"{service}_app"
    settings = {
        "KAFKA_BOOTSTRAP": kafka.bootstrap(ports),
        "KAFKA_USERNAME": service,
        "KAFKA_PASSWORD_FILE": str(layout.kafka_password(service)),
        "DATABASE_DSN": _dsn(ports, app, service),
        "DATABASE_PASSWORD_FILE": str(layout.postgres_password(app)),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(ports.of[name]),
        "HTTP_PUBLIC_URL": ports.url(name),
        "ISSUER": ports.url("issuer"),
        "SIGN_IN_CLIENT_ID": service,
        "SIGN_IN_CLIENT_SECRET_FILE": str(layout.client_secret(service)),
        "LINKS": json.dumps({other: ports.url(f"{other}-1") for other in SERVICES}),
        "REPLICA": name,
    }
    settings |= _own_settings(layout, service)
    return _prefixed(service, settings) | {"TRUTH_STEP_KEYS_FILE": str(layout.step_keys)}


def _by_detour(name: str, detour: Detour | None) -> dict[str, str]:
    """Other addresses for Kafka and PostgreSQL, if the replica goes by a detour."""
    if detour is None:
        return {}
    service = _service(name)
    settings = {
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{detour.kafka}",
        "DATABASE_DSN": f"postgresql://{service}_app@127.0.0.1:{detour.postgres}/{service}",
    }
    return _prefixed(service, settings)


def _own_settings(layout: Layout, service: str) -> dict[str, str]:
    """What only some services are told."""
    settings: dict[str, str] = {}
    if service in STEP_SIGNERS:
        settings["STEP_KEY_FILE"] = str(layout.step_key(service))
    if service == "records":
        settings["LOG_ORIGIN"] = LOG_ORIGIN
        settings["LOG_KEY_FILE"] = str(layout.log_key)
        settings["LOG_POLICY_FILE"] = str(layout.policy)
        settings["KEYS_FILE"] = str(layout.keyring)
    if service == "signals":
        settings["KEY_FILE"] = str(layout.signal_key)
        settings["KEY_NAME"] = SIGNAL_KEY_NAME
        settings["LOG_POLICY_FILE"] = str(layout.policy)
        settings["KEYS_FILE"] = str(layout.keyring)
    return settings


def _evidence(layout: Layout, ports: Ports, name: str, *, is_on_s3: bool = False) -> dict[str, str]:
    """Where execution keeps photos; where records finds them, and keeps its copies."""
    service = _service(name)
    stores = {
        "execution": {"EVIDENCE": "execution"},
        "records": {"EVIDENCE_SOURCE": "execution", "EVIDENCE": "records"},
    }
    settings: dict[str, str] = {}
    for setting, of in stores.get(service, {}).items():
        place = (
            store.bucket(layout, ports, service, of) if is_on_s3 else BlobStore(folder=layout.evidence / of)
        )
        given = place.model_dump(mode="json", exclude_none=True)
        settings |= {f"{setting}_{key.upper()}": str(value) for key, value in given.items()}
    return _prefixed(service, settings)


def _dsn(ports: Ports, role: str, database: str) -> str:
    """Without a password: the services read theirs from a file."""
    return f"postgresql://{role}@{postgres.address(ports)}/{database}"


def _prefixed(service: str, settings: dict[str, str]) -> dict[str, str]:
    return {f"TRUTH_{service.upper()}_{name}": value for name, value in settings.items()}
