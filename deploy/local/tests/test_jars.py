"""The pinned jars: verified, fetched once, refused when they are others."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from truth_local.jars import (
    KAFKA_VERSION,
    Jar,
    JarChecksumError,
    JarsUnreachableError,
    cache_folder,
    jar_files,
    pinned,
)

SMALL = next(jar for jar in pinned() if jar.artifact == "slf4j-simple")  # 15 KiB


def silent(_what: str) -> None:
    """Tells nobody."""


def laid_down(cache: Path, jar: Jar, octets: bytes) -> Path:
    file = cache / f"kafka-{KAFKA_VERSION}" / jar.filename
    file.parent.mkdir(parents=True)
    file.write_bytes(octets)
    return file


def test_every_jar_is_pinned_by_a_digest() -> None:
    jars = pinned()
    assert len({jar.filename for jar in jars}) == len(jars) > 40
    assert {len(bytes.fromhex(jar.sha256)) for jar in jars} == {32}
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {KAFKA_VERSION}


def test_a_jar_that_is_there_and_right_is_not_fetched(tmp_path: Path) -> None:
    jar = replace(SMALL, group="no.such", sha256=hashlib.sha256(b"right").hexdigest())
    file = laid_down(tmp_path, jar, b"right")
    assert jar_files(tmp_path, (jar,), silent) == [file]


def test_a_changed_jar_is_refused(tmp_path: Path) -> None:
    file = laid_down(tmp_path, SMALL, b"changed")
    with pytest.raises(JarChecksumError, match=f"{SMALL.sha256} is pinned"):
        jar_files(tmp_path, (SMALL,), silent)
    assert file.read_bytes() == b"changed"


def test_a_fetched_jar_that_is_another_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(JarChecksumError, match="is not used"):
        jar_files(tmp_path, (replace(SMALL, sha256="00" * 32),), silent)
    assert not list(tmp_path.rglob("*.jar"))


def test_a_jar_that_maven_does_not_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(JarsUnreachableError, match=r"slf4j-simple:0\.0\.0"):
        jar_files(tmp_path, (replace(SMALL, version="0.0.0"),), silent)


def test_two_processes_fill_one_cache(tmp_path: Path) -> None:
    fill = f"""
from pathlib import Path
from truth_local.jars import Jar, jar_files
jar_files(Path({str(tmp_path)!r}), ({SMALL!r},), lambda what: None)
"""
    command = [sys.executable, "-c", fill]
    processes = [subprocess.Popen(command) for _ in range(2)]  # noqa: S603 our own text
    assert [process.wait(60) for process in processes] == [0, 0]
    assert [file.name for file in tmp_path.rglob("*.jar")] == [SMALL.filename]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"TRUTH_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/"}, "/c", id="set"),
        pytest.param({"XDG_CACHE_HOME": "/x", "HOME": "/"}, "/x/runtime-truth", id="XDG"),
        pytest.param({"HOME": "/"}, "/.cache/runtime-truth", id="home"),
        pytest.param({"HOME": ""}, "/fallback", id="empty home"),
        pytest.param({"HOME": "/no/such/home"}, "/fallback", id="home that is not there"),
        pytest.param({}, "/fallback", id="no home"),
    ],
)
def test_the_cache_is_found(environment: dict[str, str], expected: str) -> None:
    assert cache_folder(environment, Path("/fallback")) == Path(expected)
