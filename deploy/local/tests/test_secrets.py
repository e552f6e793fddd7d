"""Passwords and keys of the local system: random, and closed to everybody else."""

import stat
from pathlib import Path

import psutil
from truth_local.system import System
from truth_sealing.keys import FileSigner, read_vkeys

SECRET_MODES = {0o600, 0o400}


def test_nobody_else_can_read_the_secrets(infrastructure: System) -> None:
    folder = infrastructure.layout.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in (infrastructure.layout.secrets).rglob("*") if path.is_file()]
    files += [folder / "kafka" / name for name in ("server.properties", "broker.args")]
    assert len(files) > 30
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} <= SECRET_MODES


def test_no_secret_stands_on_a_command_line_or_in_a_log(infrastructure: System) -> None:
    layout = infrastructure.layout
    words = {
        path.read_text()
        for folder in ("kafka", "postgres", "clients")
        for path in files(layout.secrets / folder)
    }
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    told = "\n".join([*lines, *(log.read_text(errors="replace") for log in files(layout.logs))])
    assert len(words) > 20
    assert not [word for word in words if word in told]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


def test_each_signing_service_has_a_step_key_and_all_are_published(infrastructure: System) -> None:
    layout = infrastructure.layout
    published = read_vkeys(layout.step_keys.read_text())
    assert set(published) == {"intake", "governance", "execution"}
    for service, (key,) in published.items():
        assert key.verify(b"message", FileSigner.read(service, layout.step_key(service)).sign(b"message"))
