"""The manifests as they are written: seconds, no cluster, no kubectl. `make test-kubernetes` renders them."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import BaseModel
from pydantic_settings import BaseSettings
from truth_contracts.topics import SERVICES
from truth_kit.lifecycle.serving import DEADLINE_SECONDS
from truth_topology.manifests import render
from truth_topology.topology import Grant, Size, TopicState, desired

from deploy.kubernetes.tests.reading import FOLDER, Object, containers, files, mounted, read, settings

ROOT = FOLDER.parents[1]
SHARED = {"records": {"truth-execution"}}  # the bucket that records may read
DEPLOYMENT = read("base", "deployment.yaml")[0]


@pytest.mark.parametrize("file", [file for file in files() if file.suffix == ".yaml"], ids=str)
def test_a_manifest_is_objects(file: Path) -> None:
    for found in read(str(file.relative_to(FOLDER))):
        assert found["apiVersion"]
        assert found["kind"] == "Kustomization" or found["metadata"]["name"]


@pytest.mark.parametrize("file", sorted(FOLDER.rglob("kustomization.yaml")), ids=str)
def test_what_a_kustomization_names_is_there(file: Path) -> None:
    (told,) = read(str(file.relative_to(FOLDER)))
    patches = [patch["path"] for patch in told.get("patches", []) if "path" in patch]
    environments = [name for made in told.get("configMapGenerator", []) for name in made["envs"]]
    for name in (*told["resources"], *patches, *environments):
        assert (file.parent / name).exists(), name


def test_there_is_a_folder_for_each_service_and_for_nothing_else() -> None:
    assert {path.name for path in (FOLDER / "services").iterdir()} == set(SERVICES)
    assert {path.name for path in (FOLDER / "postgres").iterdir()} == {*SERVICES, "base"}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["services", "postgres"])
def test_a_services_folder_names_no_other_service(service: str, kind: str) -> None:
    text = "\n".join(path.read_text() for path in (FOLDER / kind / service).iterdir())
    for known in SHARED.get(service, ()):
        text = text.replace(known, "")
    others = "|".join(other for other in SERVICES if other != service)
    assert re.findall(rf"\b(?:{others})(?:[-_]|\b)", text) == []


def fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Every environment variable that a Settings class reads."""
    for name, field in model.model_fields.items():
        if isinstance(field.validation_alias, str):
            yield field.validation_alias
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name.upper()}_")
        else:
            yield f"{prefix}{name.upper()}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_takes_the_settings_and_knows_every_one(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(service)
    model: type[BaseSettings] = importlib.import_module(f"truth_{service}.settings").Settings
    assert set(given) - {"FORWARDED_ALLOW_IPS"} <= set(fields(model, f"TRUTH_{service.upper()}_"))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert model().model_dump()["kafka"]["security_protocol"] == "SASL_SSL"


@pytest.mark.parametrize("service", SERVICES)
def test_an_ingress_is_believed_about_a_clients_address_and_not_everybody_is(service: str) -> None:
    """Else all strangers share one bucket of `limited`, or each takes as many as it likes."""
    believed = ip_network(settings(service)["FORWARDED_ALLOW_IPS"])
    assert believed.is_private


def test_http_is_let_in_from_the_ingress_and_from_who_watches() -> None:
    (policy,) = read("base", "network-policy.yaml")
    (rule,) = policy["spec"]["ingress"]
    labels = [peer["namespaceSelector"]["matchExpressions"][0] for peer in rule["from"]]
    assert [label["key"] for label in labels] == ["truth-gateway", "truth-monitoring"]
    assert all((label["operator"], label["values"]) == ("In", ["true"]) for label in labels)
    assert all(peer.keys() == {"namespaceSelector"} for peer in rule["from"])
    assert rule["ports"] == [{"port": "http"}]


@pytest.mark.parametrize("service", SERVICES)
def test_every_file_that_a_setting_names_is_mounted_and_every_mounted_file_is_named(service: str) -> None:
    given = settings(service)
    named = {value for name, value in given.items() if name.endswith("_FILE")}
    named |= {
        parse_qs(urlsplit(dsn).query)["sslrootcert"][0] for name, dsn in given.items() if "_DSN" in name
    }
    (patch,) = read("services", service, "deployment.yaml")
    pod, own = DEPLOYMENT["spec"]["template"]["spec"], patch["spec"]["template"]["spec"]
    whole = {**pod, "volumes": own["volumes"]}
    assert mounted({"spec": {"template": {"spec": whole}}}) == named


def test_the_owners_password_is_mounted_for_migrating_and_for_nothing_else() -> None:
    having = [
        one["name"]
        for one in containers(DEPLOYMENT)
        if "owner" in {mount["name"] for mount in one["volumeMounts"]}
    ]
    assert having == ["migrate"]


def test_containers_are_hardened() -> None:
    pod = DEPLOYMENT["spec"]["template"]["spec"]
    told = pod["securityContext"]
    assert told["runAsNonRoot"] is True
    assert told["runAsUser"] == told["runAsGroup"] == told["fsGroup"] == 10001
    assert told["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for one in containers(DEPLOYMENT):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert one["resources"]["limits"].keys() == {"memory"}
        assert one["resources"]["requests"].keys() == {"cpu", "memory"}


def test_a_pod_has_time_to_drain() -> None:
    pod = DEPLOYMENT["spec"]["template"]["spec"]
    waits = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert waits + DEADLINE_SECONDS < pod["terminationGracePeriodSeconds"]


def test_liveness_asks_for_the_loop_only_and_readiness_for_progress() -> None:
    (serving,) = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
    paths = {
        name: serving[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_pinned_to_the_services_own_version(service: str) -> None:
    (told,) = read("services", service, "kustomization.yaml")
    project = tomllib.loads((ROOT / "services" / service / "pyproject.toml").read_text())["project"]
    assert told["images"] == [
        {"name": "app", "newName": f"registry.example.com/truth-{service}", "newTag": project["version"]}
    ]


def test_other_images_are_official_and_pinned() -> None:
    named = {
        match for file in files() for match in re.findall(r"(?:image|imageName): (\S+)", file.read_text())
    }
    assert named == {"app", "ghcr.io/cloudnative-pg/postgresql:18.0-system-trixie"}


@pytest.mark.parametrize("service", SERVICES)
def test_replicas_share_no_folder(service: str) -> None:
    assert DEPLOYMENT["spec"]["replicas"] > 1
    assert [name for name in settings(service) if name.endswith("_FOLDER")] == []


def test_no_secret_is_in_any_file() -> None:
    for file in files():
        text = file.read_text()
        assert "PRIVATE KEY" not in text, file
        assert not re.search(r"^kind: Secret$|^\s*(data|stringData):", text, re.MULTILINE), file
        assert not re.search(r"://[^/\s]*:[^@/\s]+@", text), file  # a password in an address
        assert not re.search(r"(?i)\b(password|secret|token)\s*[:=]\s*['\"]?[^\s{'\"/]{8,}$", text, re.M), (
            file
        )


def test_manifests_are_the_topology_of_the_contracts() -> None:
    assert (FOLDER / "kafka" / "topology.yaml").read_text() == render(Size()), "run `make manifests`"


def test_what_is_rendered_says_what_apply_would_do() -> None:
    """Read back without the renderer: topics with their settings, users, and every right, no more and no less."""
    found, wanted = read("kafka", "topology.yaml"), desired(Size())
    topics = [one for one in found if one["kind"] == "KafkaTopic"]
    users = [one for one in found if one["kind"] == "KafkaUser"]
    assert {
        one["metadata"]["name"]: TopicState(one["spec"]["partitions"], one["spec"]["config"])
        for one in topics
    } == wanted.topics
    assert {one["metadata"]["name"] for one in users} == wanted.users
    assert {grant for user in users for grant in grants(user)} == wanted.grants
    assert len(topics) + len(users) == len(found)


def grants(user: Object) -> Iterator[Grant]:
    for acl in user["spec"]["authorization"]["acls"]:
        resource = acl["resource"]
        for operation in acl["operations"]:
            yield Grant(
                user["metadata"]["name"], operation.upper(), resource["type"].upper(), resource["name"],
                pattern=resource["patternType"].upper(),
            )  # fmt: skip


def test_kafka_lets_nobody_in_without_a_login_and_makes_no_topic_by_itself() -> None:
    pool, kafka = read("kafka", "cluster.yaml")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    assert (listener["tls"], listener["authentication"]) == (True, {"type": "scram-sha-512"})
    assert kafka["spec"]["kafka"]["authorization"] == {"type": "simple"}
    config = kafka["spec"]["kafka"]["config"]
    assert config["auto.create.topics.enable"] is False
    assert pool["spec"]["replicas"] >= config["default.replication.factor"] == Size().replication
    assert config["min.insync.replicas"] == Size().in_sync_min
    assert kafka["spec"]["entityOperator"]["userOperator"] == {"secretPrefix": "kafka-"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_database_has_the_two_roles_and_lets_nobody_else_in(service: str) -> None:
    (told,) = read("postgres", service, "cluster.yaml")
    made = told["spec"]["bootstrap"]["initdb"]
    assert (made["database"], made["owner"]) == (service, f"{service}_owner")
    assert made["secret"] == {"name": f"database-{service}-owner"}
    assert f"REVOKE ALL ON DATABASE {service} FROM PUBLIC" in made["postInitApplicationSQL"]
    (role,) = told["spec"]["managed"]["roles"]
    assert (role["name"], role["passwordSecret"]) == (f"{service}_app", {"name": f"database-{service}-app"})
