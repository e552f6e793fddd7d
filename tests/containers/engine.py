"""A container engine on a bare Debian machine: Podman from packages, with settings and storage of its own.

It answers Docker's API on a socket in its folder, and nothing of it runs once `serving` has ended.
"""

import os
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from tests.containers.running import CommandError, run

PACKAGES = ("podman", "runc", "netavark", "aardvark-dns", "catatonit", "iptables", "debootstrap")
_START_SECONDS = 60
_LOOK_SECONDS = 0.5
_NANOSECONDS = 1_000_000_000
_CONTAINERS = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
_REGISTRIES = """\
unqualified-search-registries = ["docker.io"]
short-name-mode = "permissive"
"""
_STORAGE = """\
[storage]
driver = "overlay"
runroot = "{runroot}"
graphroot = "{folder}/graph"
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that lives in `folder`. Images stay there from run to run."""

    folder: Path

    @property
    def socket(self) -> Path:
        """Where it answers Docker's API, and its own."""
        return self.folder / "engine.sock"

    @property
    def log(self) -> Path:
        """What the engine and the commands said."""
        return self.folder / "engine.log"

    @property
    def runroot(self) -> Path:
        """What it keeps while it runs. Podman takes 50 characters at most, whatever the length of `folder`.

        It starts with a longer one, but then what ends is never "exited": its clean-up alone refuses.
        """
        return Path("/run") / f"truth-engine-{sha256(str(self.folder).encode()).hexdigest()[:12]}"

    @property
    def environment(self) -> dict[str, str]:
        """By which its own command and every Docker client find it."""
        return {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.folder / "registries.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "TESTCONTAINERS_RYUK_DISABLED": "true",  # its image cannot be had; the fixture and the end clear up
        }

    def podman(self, *arguments: str | Path, seconds: float = 900) -> str:
        """Run Podman's own command; raises CommandError."""
        return run(["podman", *arguments], self.environment, log=self.log, seconds=seconds)

    def has(self, image: str) -> bool:
        """Whether an image is there."""
        try:
            self.podman("image", "exists", image)
        except CommandError:
            return False
        return True


def install() -> list[str]:
    """Install the packages that are missing, and name them. Needs Debian and root; raises CommandError."""
    asked = subprocess.run(  # noqa: S603 a fixed command
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *PACKAGES],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    there = {
        name for name, status in (line.split() for line in asked.stdout.splitlines()) if status == "installed"
    }
    missing = [package for package in PACKAGES if package not in there]
    if missing:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], quiet)
        run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], quiet)
    return missing


@contextmanager
def serving(folder: Path) -> Generator[Engine]:
    """The engine, answering; after the block no container, network, volume, mount or process of it is left."""
    engine = Engine(folder)
    (folder / "networks").mkdir(parents=True, exist_ok=True)
    (folder / "docker").mkdir(exist_ok=True)
    engine.log.unlink(missing_ok=True)
    for name, text in (("containers", _CONTAINERS), ("registries", _REGISTRIES), ("storage", _STORAGE)):
        (folder / f"{name}.conf").write_text(text.format(folder=folder, runroot=engine.runroot))
    engine.socket.unlink(missing_ok=True)
    stopping = threading.Event()
    with engine.log.open("a") as log:
        service = subprocess.Popen(  # noqa: S603 a fixed command
            ["podman", "system", "service", "--time=0", f"unix://{engine.socket}"],  # noqa: S607
            env={**os.environ, **engine.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us; the engine is still needed to clear up
        )
    checks = threading.Thread(target=_check_health, args=(engine, stopping), daemon=True)
    try:
        _wait(engine, service)
        _clear(engine)  # what a killed run left
        checks.start()
        yield engine
    finally:
        stopping.set()
        if checks.is_alive():
            checks.join()
        try:
            _clear(engine)
        finally:
            service.terminate()
            service.wait(_START_SECONDS)
            engine.socket.unlink(missing_ok=True)


def _client(engine: Engine) -> httpx.Client:
    return httpx.Client(
        transport=httpx.HTTPTransport(uds=str(engine.socket)), base_url="http://engine/v4.0.0", timeout=60
    )


def _wait(engine: Engine, service: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    with _client(engine) as http:
        while True:
            try:
                if http.get("/libpod/_ping").is_success:
                    return
            except httpx.TransportError:
                if service.poll() is not None or time.monotonic() > deadline:
                    raise CommandError(f"the engine does not answer; see {engine.log}") from None
            time.sleep(0.1)


def _clear(engine: Engine) -> None:
    remove = ("rm", "--all", "--force", "--volumes", "--time", "2")
    try:
        engine.podman(*remove)
    except CommandError:  # one was to go before another that depends on it: that one is gone now
        engine.podman(*remove)
    engine.podman("network", "prune", "--force")
    engine.podman("volume", "prune", "--force")


def _check_health(engine: Engine, stopping: threading.Event) -> None:
    """Podman leaves health checks to systemd's timers; without systemd this runs them, as often as they ask."""
    due: dict[str, float] = {}
    with _client(engine) as http:
        while not stopping.wait(_LOOK_SECONDS):
            try:
                for container in http.get("/libpod/containers/json").json():
                    _check_one(http, container["Id"], due)
            except (httpx.HTTPError, ValueError, KeyError):
                continue  # a container that is going away, or an engine that is


def _check_one(http: httpx.Client, name: str, due: dict[str, float]) -> None:
    now = time.monotonic()
    if now < due.get(name, 0.0):
        return
    shown: dict[str, Any] = http.get(f"/libpod/containers/{name}/json").json()
    check: dict[str, Any] | None = shown["Config"].get("Healthcheck")
    if not check:
        due[name] = float("inf")
        return
    starting = shown["State"].get("Health", {}).get("Status") == "starting"
    due[name] = now + (1.0 if starting else check.get("Interval", 30 * _NANOSECONDS) / _NANOSECONDS)
    http.get(f"/libpod/containers/{name}/healthcheck")
