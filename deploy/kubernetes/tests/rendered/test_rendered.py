"""The manifests as kubectl renders them, held against the API's own schemas. `make test-kubernetes` runs this."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
from truth_contracts.topics import SERVICES

from deploy.kubernetes.tests.reading import FOLDER, Object, containers, documents, mounted

KUBECTL = Path(sys.executable).with_name("kubectl")
FOLDERS = sorted(file.parent.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("kustomization.yaml"))
VERSIONS = ("1.32", "1.37")
KINDS = ["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"]
OPERATORS = ("kafka.strimzi.io/", "postgresql.cnpg.io/")
POD_SPEC = ("spec", "template", "spec")


@cache
def rendered(folder: str) -> tuple[Object, ...]:
    command = [str(KUBECTL), "kustomize", str(FOLDER / folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 our own folders
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # kustomize warns there of what it will refuse one day
    return tuple(documents(done.stdout))


def one(service: str, kind: str) -> Object:
    (found,) = [each for each in rendered(f"services/{service}") if each["kind"] == kind]
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_renders(folder: str) -> None:
    assert rendered(folder)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_object_fits_the_api_strictly(folder: str, version: str) -> None:
    for found in rendered(folder):
        if not found["apiVersion"].startswith(OPERATORS):
            kubernetes_validate.validate(found, version, strict=True)


def test_a_misspelt_field_would_not_fit() -> None:
    deployment = one("intake", "Deployment")
    wrong = {**deployment, "spec": {**deployment["spec"], "minReadySecond": 10}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_folder_makes_its_own_objects_and_no_others(service: str) -> None:
    found = rendered(f"services/{service}")
    assert sorted(each["kind"] for each in found) == KINDS
    for each in found:
        name: str = each["metadata"]["name"]
        assert name.startswith(f"{service}-settings-") if each["kind"] == "ConfigMap" else name == service
        assert each["metadata"]["labels"]["app.kubernetes.io/name"] == service
        assert "namespace" not in each["metadata"]  # whoever applies it says where


def test_no_two_services_share_an_object() -> None:
    names = [
        (each["kind"], each["metadata"]["name"])
        for service in SERVICES
        for each in rendered(f"services/{service}")
    ]
    assert len(names) == len(set(names)) == len(KINDS) * len(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_everything_selects_this_services_pods_and_no_other(service: str) -> None:
    labels = one(service, "Deployment")["spec"]["template"]["metadata"]["labels"]
    others = [
        one(other, "Deployment")["spec"]["template"]["metadata"]["labels"]
        for other in SERVICES
        if other != service
    ]
    (spread,) = one(service, "Deployment")["spec"]["template"]["spec"]["topologySpreadConstraints"]
    for selector in (
        one(service, "Deployment")["spec"]["selector"]["matchLabels"],
        one(service, "Service")["spec"]["selector"],
        one(service, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        one(service, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        spread["labelSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
        assert not any(selector.items() <= other.items() for other in others)


@pytest.mark.parametrize("service", SERVICES)
def test_references_point_at_what_is_there(service: str) -> None:
    deployment = one(service, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == one(service, "ServiceAccount")["metadata"]["name"]
    settings = one(service, "ConfigMap")
    serving = pod["containers"][0]
    for each in containers(deployment):
        assert each["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
    ports = {port["name"]: port["containerPort"] for port in serving["ports"]}
    assert ports == {"http": int(settings["data"][f"TRUTH_{service.upper()}_HTTP_PORT"])}
    assert one(service, "Service")["spec"]["ports"][0]["targetPort"] in ports
    assert {
        serving[f"{probe}Probe"]["httpGet"]["port"] for probe in ("startup", "liveness", "readiness")
    } == {"http"}
    named = {value for name, value in settings["data"].items() if name.endswith("_FILE")}
    assert named <= mounted(deployment)


@pytest.mark.parametrize("service", SERVICES)
def test_a_rendered_pod_may_run_where_pod_security_is_restricted(service: str) -> None:
    pod = one(service, "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert {kind for volume in pod["volumes"] for kind in volume.keys() - {"name"}} == {
        "emptyDir", "projected", "secret",
    }  # fmt: skip
    for each in containers(one(service, "Deployment")):
        assert each["image"].partition(":")[0] == f"registry.example.com/truth-{service}"
        context = each["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_its_own_database_and_no_other(service: str) -> None:
    rules = one(service, "NetworkPolicy")["spec"]["egress"]
    reached = [
        value
        for rule in rules
        for peer in rule.get("to", [])
        for term in peer.get("podSelector", {}).get("matchExpressions", [])
        for value in term["values"]
    ]
    assert reached == ["truth", f"database-{service}"]
    (cluster,) = rendered(f"postgres/{service}")
    assert cluster["metadata"]["name"] == f"database-{service}"
    dsn: str = one(service, "ConfigMap")["data"][f"TRUTH_{service.upper()}_DATABASE_DSN"]
    assert f"@database-{service}-rw:5432/{service}?sslmode=verify-full" in dsn


def test_the_whole_system_is_the_sum_of_its_folders_in_one_namespace() -> None:
    whole = rendered("production")
    parts = [
        each
        for folder in (
            "namespace",
            "kafka",
            *(f"{kind}/{s}" for kind in ("postgres", "services") for s in SERVICES),
        )
        for each in rendered(folder)
    ]
    assert {(each["kind"], each["metadata"]["name"]) for each in whole} == {
        (each["kind"], each["metadata"]["name"]) for each in parts
    }
    assert len(whole) == len(parts)
    assert {each["metadata"].get("namespace", "runtime-truth") for each in whole} == {"runtime-truth"}
    (namespace,) = [each for each in whole if each["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
