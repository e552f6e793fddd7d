"""The compose file: official images, closed containers, secrets as files, and all that a service asks for."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from truth_contracts.topics import SERVICES
from truth_execution.settings import Settings as Execution
from truth_governance.settings import Settings as Governance
from truth_intake.settings import Settings as Intake
from truth_local import ports
from truth_local.compose_secrets import make_secrets
from truth_records.settings import Settings as Records
from truth_signals.settings import Settings as Signals
from truth_topology.topology import LOCAL, principals

from tests.deploy.composing import ROOT, config, services

OFFICIAL = {"postgres", "apache/kafka", "quay.io/keycloak/keycloak", "chrislusf/seaweedfs"}
WRITES_ITS_ROOT = {"kafka", "keycloak"}
SETTINGS = {
    "intake": Intake,
    "governance": Governance,
    "execution": Execution,
    "records": Records,
    "signals": Signals,
}
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|PRIVATE|ACCESS_KEY|_KEY$")


S3 = "deploy/s3.yml"


def each(test: Any) -> Any:
    """For every container that any of the files describes."""
    return pytest.mark.parametrize("name", sorted(services(S3)))(test)


@each
def test_an_image_is_official_and_pinned_or_our_own(name: str) -> None:
    image, _, tag = services(S3)[name]["image"].rpartition(":")
    if image.startswith("truth-"):
        assert tag == "dev"
        return
    assert image in OFFICIAL
    assert re.search(r"\d", tag), "a version, never a name that moves at will"


@each
def test_a_container_is_closed(name: str) -> None:
    service = services(S3)[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only", False) == (name not in WRITES_ITS_ROOT)
    assert service["init"] is True
    assert int(service["mem_limit"]) <= 1 << 30
    assert service["pids_limit"] <= 400
    assert float(service["cpus"]) <= 1
    forbidden = {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"}
    assert forbidden.isdisjoint(service)
    assert service.get("user", "10001:10001").split(":")[0] not in {"0", "root"}
    assert service.get("network_mode", "none") in {"none", "service:kafka"}
    assert not [one for one in service.get("volumes", []) if "docker.sock" in str(one)]


@pytest.mark.parametrize("files", [(), (S3,)])
def test_execution_has_room_for_two_of_the_largest_photos_on_their_way_in(files: tuple[str, ...]) -> None:
    (mounted,) = services(*files)["execution"]["tmpfs"]
    size = re.fullmatch(r"/tmp:size=(\d+)m,mode=1777", mounted)  # noqa: S108 what the file says
    assert size is not None
    largest = Execution.model_fields["evidence_bytes_max"].default
    assert int(size[1]) << 20 >= 2 * largest
    assert int(services(*files)["execution"]["mem_limit"]) >= (768 + int(size[1])) << 20


def test_kafka_may_load_what_it_unpacks() -> None:
    """Docker adds noexec to a tmpfs; the codecs of compressed messages are shared libraries."""
    (mounted,) = services()["kafka"]["tmpfs"]
    assert "exec" in mounted.split(",")


@each
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert {port["host_ip"] for port in services(S3)[name].get("ports", [])} <= {"127.0.0.1"}


def test_the_databases_have_no_door() -> None:
    postgres = services()["postgres"]
    assert set(postgres["networks"]) == {"inside"}
    assert "ports" not in postgres
    assert config("docker-compose.yml")["networks"]["inside"]["internal"] is True


@each
def test_no_secret_stands_in_an_environment(name: str) -> None:
    environment = services(S3)[name].get("environment", {})
    told = [key for key in environment if SECRET_NAME.search(key)]
    assert [key for key in told if not key.endswith("_FILE") and key != "TRUTH_POSTGRES_PASSWORDS"] == []
    assert all(str(environment[key]).startswith("/run/secrets/") for key in told if key.endswith("_FILE"))


def test_one_command_makes_every_secret_that_is_mounted(tmp_path: Path) -> None:
    told = {**os.environ, "TRUTH_SECRETS": str(tmp_path), "TRUTH_FOLDER": "/where/the/local/system/lives"}
    command = [sys.executable, "-m", "truth_local", "secrets"]
    subprocess.run(command, cwd=ROOT, env=told, check=True)  # noqa: S603 our own command
    declared = config("docker-compose.yml", S3, TRUTH_SECRETS=str(tmp_path))["secrets"]
    files = [Path(secret["file"]) for secret in declared.values()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o444}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    used = {one["source"] for service in services(S3).values() for one in service.get("secrets", [])}
    assert used == set(declared)


def test_secrets_stay_when_they_are_made_again(tmp_path: Path) -> None:
    chosen = ports.free()

    def everything() -> dict[Path, bytes]:
        make_secrets(tmp_path, chosen)
        return {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    assert everything() == everything()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_all_that_it_asks_for(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own Settings accept the environment of the file; a setting that is new and required fails here."""
    for name in (service, f"{service}-migrate"):
        for key, value in services()[name]["environment"].items():
            monkeypatch.setenv(key, value)
        settings = SETTINGS[service]()  # pyright: ignore[reportCallIssue] filled from the environment
        mounted = {f"/run/secrets/{one['target'].split('/')[-1]}" for one in services()[name]["secrets"]}
        named = {
            value for value in services()[name]["environment"].values() if value.startswith("/run/secrets/")
        }
        assert named == mounted
        assert settings.replica == f"{service}-1"


def test_with_buckets_there_are_no_folders_left() -> None:
    for service in ("execution", "records"):
        with_buckets = services(S3)[service]
        assert "volumes" not in with_buckets
        assert not [key for key in with_buckets["environment"] if key.endswith("_FOLDER")]
        assert with_buckets["depends_on"]["store"]["condition"] == "service_healthy"
    assert {one["target"] for one in services(S3)["records"]["secrets"]} >= {"store-id", "store-secret"}


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_migration_is_the_owner(service: str) -> None:
    assert "OWNER" not in str(services()[service]["environment"])
    assert "owner" not in str(services()[service]["secrets"])
    assert "owner" in str(services()[f"{service}-migrate"]["secrets"])
    assert services()[f"{service}-migrate"]["image"] == services()[service]["image"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_by_the_health_of_what_it_needs(service: str) -> None:
    waits = {name: one["condition"] for name, one in services()[service]["depends_on"].items()}
    done = "service_completed_successfully"
    assert waits == {f"{service}-migrate": done, "kafka-topology": done}
    assert services()[f"{service}-migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert services()["kafka-topology"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert services()[service]["healthcheck"]["test"][:3] == ["CMD", "python", "-m"]
    assert services()[service]["stop_grace_period"] == "30s"


def test_the_topology_is_given_every_principal() -> None:
    topology = services()["kafka-topology"]
    assert {one["target"] for one in topology["secrets"]} == set(principals(LOCAL))
    assert [f"--upstream={name}" for name in LOCAL.upstreams] == ["--upstream=acme"]
    assert {"--upstream=acme", "--partner=demo", "--brokers=1"} <= set(topology["command"])


def test_the_broker_asks_everybody_for_a_login_but_itself() -> None:
    text = (ROOT / "deploy/kafka/server.properties").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    properties = dict(line.split("=", 1) for line in lines)
    assert properties["super.users"] == "User:ANONYMOUS"
    assert properties["allow.everyone.if.no.acl.found"] == "false"
    assert properties["auto.create.topics.enable"] == "false"
    protocols = dict(one.split(":") for one in properties["listener.security.protocol.map"].split(","))
    environment = services()["kafka"]["environment"]
    listeners = dict(one.split("://") for one in environment["KAFKA_LISTENERS"].split(","))
    assert set(listeners) == set(protocols)
    open_to_others = {name for name, address in listeners.items() if not address.startswith("localhost:")}
    assert open_to_others == {"CLIENT", "HOST"}
    assert {protocols[name] for name in open_to_others} == {"SASL_PLAINTEXT"}
    assert "KAFKA_ADVERTISED_LISTENERS" in environment


def test_keycloak_is_asked_where_its_door_is() -> None:
    """Tokens name it as the services know it, wherever its port was moved to."""
    moved = config("docker-compose.yml", env_file="deploy/identity/keycloak.env", TRUTH_PORT_ISSUER="9100")[
        "services"
    ]
    asked = {moved[service]["environment"][f"TRUTH_{service.upper()}_ISSUER"] for service in SERVICES}
    assert asked == {f"{moved['keycloak']['environment']['KC_HOSTNAME']}/realms/truth"}
    assert [port["published"] for port in moved["keycloak"]["ports"]] == ["9100"]


def test_the_realm_makes_tokens_that_the_services_read() -> None:
    """Roles, kind and audience by mappers; nobody but a code flow says that it is a person."""
    text = (ROOT / "deploy/identity/realm.json").read_text()
    assert not re.search(r'"(secret|credentials|value)":', text.replace('"claim.value":', ""))
    realm = json.loads(text)
    assert {role["name"] for role in realm["roles"]["realm"]} == {
        "requester",
        "admin",
        "operator",
        "ops",
        "auditor",
    }
    (scope,) = realm["clientScopes"]
    claims = {one["config"].get("claim.name", one["name"]) for one in scope["protocolMappers"]}
    assert claims == {"sub", "name", "roles", "auth_time", "audience"}
    for client in realm["clients"]:
        (kind,) = client["protocolMappers"]
        is_person = kind["config"]["claim.value"] == "person"
        assert client["standardFlowEnabled"] == is_person
        assert client["serviceAccountsEnabled"] != is_person
        assert not client["directAccessGrantsEnabled"]
        assert client["defaultClientScopes"] == ["truth"]
    assert {client["clientId"] for client in realm["clients"]} == {*SERVICES, "acme"}
