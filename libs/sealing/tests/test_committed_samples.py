"""The samples that a running system wrote: whole under the published tool, and under the README's commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1]
SAMPLES = LIBRARY / "samples"
FILES = sorted(file.relative_to(SAMPLES).as_posix() for file in SAMPLES.rglob("*") if file.is_file())
REQUIRED = "logged,path_complete,path_signed,duties_separated,evidence_complete,signal"
PHOTO_BYTES_MAX = 40_000
MARKS = {"log/checkpoint": b"/log\n5\n", "keys.json": b"signals+", "record.bundle.json": b'"record":"{'}
"""What stands shortly before a byte that matters, where not every byte does."""
has_tools = pytest.mark.skipif(
    not all(map(shutil.which, ("sh", "openssl", "sha256sum"))), reason="sh, openssl or sha256sum is not here"
)


def commands(checkout: Path) -> int:
    """Runs the README's commands from the top of a checkout; their exit code."""
    (script,) = re.findall(r"```sh\n(.*?)```", (LIBRARY / "README.md").read_text(), re.DOTALL)
    command = ["sh", "-eu", "-c", script]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, timeout=60, check=False)  # noqa: S603 the README's own text
    return ran.returncode


def copied(checkout: Path) -> Path:
    samples = checkout / "libs/sealing/samples"
    shutil.copytree(SAMPLES, samples)
    return samples


def test_the_published_tool_accepts_them() -> None:
    command = [sys.executable, "-m", "truth_sealing", "verify", "record.bundle.json", "--policy", "policy"]
    command += ["--evidence", "evidence", "--signal", "signal.dsse.json", "--require", REQUIRED]
    ran = subprocess.run(command, cwd=SAMPLES, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 our own tool
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "NO " not in ran.stdout


def test_they_hold_no_private_key_and_stay_small() -> None:
    assert len(FILES) == 10
    assert [name for name in FILES if b"PRIVATE" in (SAMPLES / name).read_bytes()] == []
    assert [name for name in FILES if (SAMPLES / name).stat().st_size > PHOTO_BYTES_MAX] == []


@has_tools
def test_the_readmes_commands_accept_them(tmp_path: Path) -> None:
    copied(tmp_path)
    assert commands(tmp_path) == 0


@has_tools
@pytest.mark.parametrize("name", [name for name in FILES if name != "record.tlog-proof"])
def test_the_readmes_commands_stop_at_a_changed_file(name: str, tmp_path: Path) -> None:
    changed = copied(tmp_path) / name
    octets = bytearray(changed.read_bytes())
    mark = MARKS.get(name)
    octets[octets.index(mark) + len(mark) + 20 if mark else len(octets) // 2] ^= 1
    changed.write_bytes(octets)
    assert commands(tmp_path) != 0
