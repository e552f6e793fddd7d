"""Apache Kafka's jars: fetched once from Maven through jgo, used only when every digest is the pinned one."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from itertools import repeat
from pathlib import Path

from jgo.maven import MavenContext

KAFKA_VERSION = "4.3.1"
_DOWNLOADS_AT_ONCE = 8
_ATTEMPTS = 3


class JarChecksumError(RuntimeError):
    """A jar is not the one that this version was tested with."""


class JarsUnreachableError(RuntimeError):
    """The jars are not here and could not be fetched."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned file: its Maven coordinates and the SHA-256 of its bytes."""

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def filename(self) -> str:
        """The name of the file in the folder of jars."""
        return f"{self.artifact}-{self.version}.jar"


def pinned() -> tuple[Jar, ...]:
    """The jars of `jars.sha256`, all that Kafka needs on its class path."""
    lines = resources.files("truth_local").joinpath("jars.sha256").read_text().splitlines()
    return tuple(
        Jar(digest, *coordinates.split(":")) for digest, coordinates in (line.split() for line in lines)
    )


def cache_folder(environment: Mapping[str, str], fallback: Path) -> Path:
    """Where the jars are kept: TRUTH_CACHE, else the user's cache, else `fallback` where there is no home."""
    if chosen := environment.get("TRUTH_CACHE"):
        return Path(chosen)
    if cache := environment.get("XDG_CACHE_HOME"):
        return Path(cache) / "runtime-truth"
    home = environment.get("HOME")
    if home and os.access(home, os.W_OK):
        return Path(home) / ".cache" / "runtime-truth"
    return fallback


def jar_files(cache: Path, jars: tuple[Jar, ...], say: Callable[[str], None]) -> list[Path]:
    """The verified jars, fetched first when one is missing. Any number of processes may call this at once.

    Raises JarChecksumError when a file is not the pinned one, JarsUnreachableError when Maven is away.
    """
    folder = cache / f"kafka-{KAFKA_VERSION}"
    with _locked(cache):
        missing = [jar for jar in jars if not (folder / jar.filename).exists()]
        if missing:
            folder.mkdir(parents=True, exist_ok=True)
            say(f"fetching {len(missing)} jars of Apache Kafka {KAFKA_VERSION}, once")
            _fetch(missing, folder)
        say(f"checking {len(jars)} jars")
        for jar in jars:
            _require_pinned(jar, folder / jar.filename)
    return [folder / jar.filename for jar in jars]


def _fetch(jars: list[Jar], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as scratch:
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            fetched = list(pool.map(_fetch_one, jars, repeat(Path(scratch))))
        for jar, file in zip(jars, fetched, strict=True):
            _require_pinned(jar, file)
            file.replace(folder / jar.filename)


def _fetch_one(jar: Jar, scratch: Path) -> Path:
    reason = "nothing came"
    for attempt in range(_ATTEMPTS):
        context = MavenContext(
            repo_cache=scratch / f"{jar.artifact}-{attempt}"
        )  # jgo refuses a half-written file
        try:
            if file := context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve():
                return Path(file)
        except (RuntimeError, OSError) as error:  # those of requests are OSErrors
            reason = str(error)
    raise JarsUnreachableError(
        f"Could not fetch {jar.group}:{jar.artifact}:{jar.version} from Maven: {reason}"
    )


def _require_pinned(jar: Jar, file: Path) -> None:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise JarChecksumError(
            f"{file} is not used: its SHA-256 is {found}, but for {jar.group}:{jar.artifact}:{jar.version} "
            f"{jar.sha256} is pinned. Delete it to fetch it anew; if that does not help, the jar was changed."
        )


@contextmanager
def _locked(cache: Path) -> Generator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in cache.glob("fetching-*"):  # of a process that was killed while it held the lock
            shutil.rmtree(leftover, ignore_errors=True)
        yield
