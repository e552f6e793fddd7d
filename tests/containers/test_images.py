"""What is in each image, and what is not. Looked at from inside a container."""

import json
import subprocess
from collections.abc import Generator
from typing import Any

import docker
import pytest
from packaging.requirements import Requirement
from truth_contracts.topics import SERVICES

from tests.containers.running import ROOT

IMAGES = (*SERVICES, "issuer", "console")
MEBIBYTES = 90
LOOK = """
import json, os, shutil, sys
from importlib.metadata import distributions
files = [os.path.join(folder, name) for folder, _, names in os.walk("/app") for name in names]
wanted = "gcc cc g++ clang make uv pip pytest git curl".split()
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(), "python": sys.version_info[:2],
    "distributions": sorted(found.metadata["Name"].lower().replace("_", "-") for found in distributions(path=["/app/lib/python3.13/site-packages"])),
    "tools": [tool for tool in wanted if shutil.which(tool, path="/app/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")],
    "bytes": sum(os.lstat(file).st_size for file in files),
    "writable": [file for file in files if os.access(file, os.W_OK)][:3],
    "tests": [file for file in files if "/tests/" in file],
    "service": os.path.realpath("/app/bin/service"),
}))
"""


@pytest.fixture(scope="module")
def engine() -> Generator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module", params=IMAGES)
def looked(request: pytest.FixtureRequest, engine: docker.DockerClient) -> tuple[str, dict[str, Any]]:
    """A service, and what a look into its image finds."""
    name = str(request.param)
    told = engine.containers.run(
        f"truth-{name}:dev", ["-c", LOOK], entrypoint="/app/bin/python", remove=True, read_only=True
    )
    return name, json.loads(told)


def locked(name: str) -> set[str]:
    """The distributions that the lock gives a package on this platform, itself among them."""
    command = [
        ROOT / ".venv/bin/uv",
        "export",
        "--frozen",
        "--no-dev",
        "--no-hashes",
        "--no-annotate",
        "--no-header",
    ]
    told = subprocess.run(  # noqa: S603 our own tool
        [*command, "--no-emit-workspace", "--package", f"truth-{name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    environment = {"python_version": "3.13", "python_full_version": "3.13.0"}
    found = (Requirement(line) for line in told.splitlines())
    return {one.name for one in found if one.marker is None or one.marker.evaluate(environment)}


def test_an_image_runs_as_nobody_and_writes_nothing(looked: tuple[str, dict[str, Any]]) -> None:
    _, found = looked
    assert (found["uid"], found["gid"]) == (10001, 10001)
    assert found["writable"] == []


def test_an_image_holds_its_own_dependencies_and_no_others(looked: tuple[str, dict[str, Any]]) -> None:
    name, found = looked
    ours = {one for one in found["distributions"] if one.startswith("truth-")}
    assert set(found["distributions"]) - ours == locked(name)
    assert f"truth-{name}" in ours
    assert ours & {f"truth-{service}" for service in SERVICES} <= {f"truth-{name}"}
    assert found["service"] == f"/app/bin/truth-{name}"


def test_an_image_holds_no_compiler_no_uv_and_no_test(looked: tuple[str, dict[str, Any]]) -> None:
    _, found = looked
    assert set(found["tools"]) <= {"pip"}  # the official base image brings pip
    assert found["tests"] == []


def test_an_image_is_small(looked: tuple[str, dict[str, Any]], seconds: dict[str, float]) -> None:
    name, found = looked
    seconds[f"/app of {name}, MiB"] = found["bytes"] / (1 << 20)
    assert found["bytes"] <= MEBIBYTES << 20
