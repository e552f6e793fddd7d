"""Keys that sign steps, the log and Signals, and the files by which verifiers pin their public halves."""

import json
from pathlib import Path

from truth_sealing.keys import FileSigner

from truth_local.layout import STEP_SIGNERS, Layout
from truth_local.ports import Ports

LOG_ORIGIN = "runtime-truth.local/log"
SIGNAL_KEY_NAME = "runtime-truth.local/signals"


def write_trust(layout: Layout, ports: Ports) -> None:
    """Make the keys that are missing, and write the public files: step keys, policy, keys.json."""
    steps = [_vkey(layout.step_key(service), service) for service in STEP_SIGNERS]
    log, signal = _vkey(layout.log_key, LOG_ORIGIN), _vkey(layout.signal_key, SIGNAL_KEY_NAME)
    layout.step_keys.write_text("".join(f"{vkey}\n" for vkey in steps))
    layout.policy.write_text(f"log {log} {ports.url('records-1')}/log\nquorum none\n")
    keys = [
        _entry("log", log, 0),
        *(_entry("step", vkey, None) for vkey in steps),
        _entry("signal", signal, None),
    ]
    layout.keyring.write_text(json.dumps({"keys": keys}, indent=1) + "\n")


def _vkey(path: Path, name: str) -> str:
    if not path.exists():
        FileSigner.generate(name).write(path)
    return FileSigner.read(name, path).verify_key.vkey


def _entry(kind: str, vkey: str, first: int | None) -> dict[str, object]:
    """In use and never retired. A log key counts from a size, the others from a time."""
    return {"kind": kind, "vkey": vkey, "from": first, "to": None, "state": "active"}
