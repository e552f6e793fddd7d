"""A real Prometheus for a while, and what it answers."""

import socket
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from truth_local.system import System

FOLDER = Path(__file__).parents[3] / "deploy" / "observability"


def free_address() -> str:
    """Host and port where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def pointed_at(system: System, scrape_configs: Sequence[Mapping[str, Any]]) -> None:
    """Change the targets to where this system's services are, and nothing else."""
    for target in scrape_configs[0]["static_configs"]:
        url = system.urls[target["labels"]["service"]]
        target["targets"] = [url.replace("localhost", "127.0.0.1").removeprefix("http://")]


@contextmanager
def running(words: Sequence[str | Path], folder: Path, **environment: str) -> Generator[None]:
    """A process that is ended with the block; what it says goes to a file named like it."""
    with (folder / f"{Path(words[0]).name}.log").open("w") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, env=environment or None)  # noqa: S603 ours and Debian's
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def prometheus_at(binaries: Path, folder: Path, config: Mapping[str, Any], *words: str) -> Generator[str]:
    """The URL of a Prometheus with this configuration."""
    (folder / "prometheus.yml").write_text(yaml.safe_dump(dict(config)))
    address = free_address()
    told = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
    with running([binaries / "prometheus", *told, *words], folder):
        yield f"http://{address}"


def ask(url: str, path: str, **given: str) -> Any:
    """What Prometheus answers; None while it starts."""
    try:
        answer = httpx.get(f"{url}/api/v1/{path}", params=given, trust_env=False)
    except httpx.TransportError:
        return None
    return answer.json()["data"] if answer.is_success else None


def up(url: str) -> set[str]:
    """The services that answer it."""
    found = ask(url, "query", query='up{job="truth"} == 1')
    return {one["metric"]["service"] for one in found["result"]} if found else set()
