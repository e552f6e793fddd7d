"""The compose system: a request to its verified Signal through the published ports, and how closed it is."""

import base64
import hashlib
import re
import secrets
import shlex
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from truth_contracts.topics import SERVICES
from truth_local.compose_secrets import make_secrets
from truth_local.demo import acting, checking, doors, upstream, walk
from truth_local.demo.acting import Person, wait_for
from truth_local.demo.photo import take_photo
from truth_local.demo.walk import Walked, unseen
from truth_local.passwords import password
from truth_topology.connection import Login, answers

from tests.containers.compose import Composed
from tests.containers.running import ROOT

MEMORY_MAX = 1_500_000_000


@pytest.fixture(scope="module")
def walked(running: Composed) -> Walked:
    """One request, published to Kafka, at the end of its path."""
    who = walk.people(running.system)
    login = Login(
        running.system.bootstrap, "upstream-acme", running.system.principals["upstream-acme"].password
    )
    asked = doors.request("kitchen-repairs", "The tap drips", "All night long.")
    return walk.walk("compose", doors.over_kafka("compose", asked, login, who, unseen), who, unseen)


def test_a_request_becomes_a_signal_that_verifies_offline(
    running: Composed, walked: Walked, tmp_path: Path
) -> None:
    who = walk.people(running.system)
    checking.check_published(running.system, walked)
    bundle = who.auditor.raw("GET", "records", f"/records/{walked.record_id}/bundle")
    envelope = who.auditor.get("signals", f"/api/signals/{walked.signal_id}")["envelope"]
    told = checking.verify_files(
        checking.keep(tmp_path, walked, bundle.content, envelope), running.system.layout.policy
    )
    assert "yes" in told


def test_a_large_photo_is_kept(running: Composed) -> None:
    """Near the limit that the page tells: on its way in it stands in the container's /tmp."""
    small = take_photo("large")
    octets = small + bytes((24 << 20) - len(small))  # behind a JPEG's end anything may stand
    assert acting.upload(walk.people(running.system).operator, octets) == hashlib.sha256(octets).hexdigest()


def test_a_person_signs_in_at_the_published_issuer(running: Composed) -> None:
    """By code and PKCE, as the services' pages do; governance takes the token, whose issuer it knows by name."""
    ports, layout = running.system.ports, running.system.layout
    door = f"http://127.0.0.1:{ports.of['issuer']}"
    callback = f"{ports.url('governance-1')}/auth/callback"
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": "governance", "redirect_uri": callback, "scope": "openid",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    with httpx.Client(base_url=door, trust_env=False) as http:
        sent = http.post("/authorize", data={**asked, "subject": "ada"})
        code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
        redeemed = http.post(
            "/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": callback,
                "code_verifier": verifier,
            },
            auth=("governance", password(layout.client_secret("governance"))),
        )
    token = redeemed.json()["access_token"]
    ada = Person("ada", running.system.urls, token, acting.lasting_client())
    assert "tasks" in ada.get("governance", "/api/tasks")


def test_kafka_lets_nobody_write_a_foreign_topic(running: Composed) -> None:
    intake = running.system.principals["intake"]
    login = Login(running.system.bootstrap, "intake", intake.password)
    assert answers(login)
    with pytest.raises(Exception, match=r"TOPIC_AUTHORIZATION_FAILED"):
        upstream.send(login, "jobs.created", b"forged", {})
    assert not answers(Login(running.system.bootstrap, "intake", "wrong"))


def test_no_database_opens_to_another_services_role(running: Composed) -> None:
    script = 'PGPASSWORD=$(cat /run/secrets/intake_app) psql -qAtX -h 127.0.0.1 -U intake_app -d "$1" -c "SELECT 1" 2>&1 || true'
    assert running.inside("postgres", "bash", "-c", script, "psql", "intake").strip() == "1"
    assert "permission denied" in running.inside("postgres", "bash", "-c", script, "psql", "governance")
    nobody = 'psql -qAtX -w -U postgres -d postgres -c "SELECT 1" 2>&1 || true'
    assert "no password supplied" in running.inside("postgres", "bash", "-c", nobody)


def test_ports_are_published_on_loopback_only(running: Composed) -> None:
    bound: dict[str, set[str]] = {}
    for service, container in running.containers().items():
        bindings = cast(
            "dict[str, list[dict[str, str]]]", container.attrs["HostConfig"]["PortBindings"] or {}
        )
        bound[service] = {one["HostIp"] for ways in bindings.values() for one in ways or []}
    assert bound.pop("postgres") == set()
    assert set(bound) == {*SERVICES, "kafka", "issuer"}
    assert {address for found in bound.values() for address in found} == {"127.0.0.1"}


def test_every_container_is_closed_from_inside(running: Composed) -> None:
    """No root, no capability, no way to gain one; Kafka's root alone can be written."""
    for service in running.containers():
        status = dict(
            line.split(":\t", 1)
            for line in running.inside(service, "cat", "/proc/self/status").splitlines()
            if ":\t" in line
        )
        assert "0" not in status["Uid"].split(), service
        assert {status[name].strip("0") for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")} == {""}, service
        assert status["NoNewPrivs"] == "1", service
        mounts = running.inside(service, "cat", "/proc/mounts").splitlines()
        (root,) = [line.split()[3].split(",") for line in mounts if line.split()[1] == "/"]
        assert ("ro" in root) == (service != "kafka"), service


def test_secrets_are_where_they_belong(running: Composed) -> None:
    """Each service sees its own, the owner's password is in no running service, and no environment holds one."""
    told = {service: running.inside(service, "ls", "/run/secrets").split() for service in SERVICES}
    assert all("owner" not in names for names in told.values())
    files = [
        file for file in running.system.layout.secrets.rglob("*") if file.is_file() and file.suffix == ""
    ]
    words = {file.read_text() for file in files}
    assert len(words) > 20
    everything = [container.attrs["Config"] for container in running.containers(once=True).values()]
    assert not [word for word in words if word in repr(everything)]
    logs = running.compose("logs", "--no-color")
    assert not [word for word in words if word in logs]


def test_the_idle_system_is_small(running: Composed, walked: Walked, seconds: dict[str, float]) -> None:
    """By proportional set size: what the engine counts has the page cache in it, which grows to any limit."""
    assert walked.signal_id
    used = {service: memory_of(running, service) for service in running.containers()}
    for service, memory in used.items():
        seconds[f"memory of {service}, MB"] = memory / 1_000_000
    seconds["memory of all, MB"] = sum(used.values()) / 1_000_000
    assert all(value > 0 for value in used.values())
    assert sum(used.values()) <= MEMORY_MAX


def memory_of(running: Composed, service: str) -> int:
    """The proportional set size in bytes of every process in its container (proc(5): smaps_rollup)."""
    told = running.inside(service, "sh", "-c", "cat /proc/[0-9]*/smaps_rollup 2>/dev/null || true")
    return sum(int(line.split()[1]) * 1024 for line in told.splitlines() if line.startswith("Pss:"))


def test_logs_tell_of_no_error(running: Composed) -> None:
    """A start in the order of the compose file waits for nothing, so nobody has to complain."""
    logs = running.compose("logs", "--no-color", "--no-log-prefix", *SERVICES)
    wrong = [line for line in logs.splitlines() if '"level": "error"' in line or '"level":"error"' in line]
    assert wrong == []
    assert wait_for(lambda: running.rows("records", "SELECT count(*) FROM truth.dead_letter"), "count") == [
        ["0"]
    ]


def test_a_new_database_password_takes_the_commands_of_the_readme(running: Composed) -> None:
    """Last, behind the look at the logs: PostgreSQL starts anew here, and the services wait for it."""
    layout = running.system.layout
    file = layout.postgres_password("intake_app")
    old = file.read_text()
    file.unlink()
    make_secrets(layout.folder, running.system.ports)
    told = (
        (ROOT / "deploy/README.md")
        .read_text()
        .partition("A new password:")[2]
        .partition("For a Kafka user")[0]
    )
    for command in re.findall("^    docker compose (.*)$", told, re.MULTILINE):
        running.compose(*shlex.split(command))
    login = 'PGPASSWORD=$1 psql -qAtX -h 127.0.0.1 -U intake_app -d intake -c "SELECT 1" 2>&1 || true'
    assert "authentication failed" in running.inside("postgres", "bash", "-c", login, "psql", old)
    assert running.inside("postgres", "bash", "-c", login, "psql", file.read_text()).strip() == "1"
    running.compose("up", "--detach", "--wait", "--no-deps", "--no-build", "--pull", "never", "intake")
