"""Passwords and keys of the local system: random, and closed to everybody else."""

import stat
from pathlib import Path

import psutil
from truth_local.layout import STEP_SIGNERS
from truth_local.system import System
from truth_local.trust import LOG_ORIGIN, SIGNAL_KEY_NAME
from truth_sealing.keyring import read_keyring
from truth_sealing.keys import FileSigner, read_vkeys
from truth_sealing.policy import parse_policy

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


def test_the_policy_and_the_keyring_name_the_keys_that_sign(infrastructure: System) -> None:
    layout = infrastructure.layout
    (log,) = parse_policy(layout.policy.read_bytes()).logs
    signing = FileSigner.read(LOG_ORIGIN, layout.log_key)
    assert log.verify(b"message", signing.sign(b"message"))
    keyring = read_keyring(layout.keyring.read_bytes())
    assert {(key.kind, key.key.name) for key in keyring.keys} == {
        ("log", LOG_ORIGIN),
        ("signal", SIGNAL_KEY_NAME),
        *(("step", service) for service in STEP_SIGNERS),
    }
