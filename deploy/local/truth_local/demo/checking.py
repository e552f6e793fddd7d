"""Checks a walked path again, from what was published and from files, without asking any service."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from truth_sealing.bundle import Bundle
from truth_sealing.canonical import Json, sha256_hex
from truth_sealing.keyring import read_keyring
from truth_sealing.keys import read_vkeys
from truth_sealing.logged import Trust
from truth_sealing.policy import parse_policy
from truth_sealing.steps import check_hand_off
from truth_sealing.strict import strict_object
from truth_sealing.verify import check
from truth_topology.connection import Login

from truth_local.demo.reading import read_topic
from truth_local.demo.walk import Walked
from truth_local.system import System

_TOOL_SECONDS = 60


class UnverifiedError(RuntimeError):
    """Something published does not hold; the message says what."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The files that a stranger needs to check a Record and its Signal."""

    bundle: Path
    evidence: Path
    signal: Path | None


def check_published(system: System, walked: Walked) -> None:
    """Check one path from the published messages alone; raises UnverifiedError.

    The hand-off to records must hold together under the step keys, the sealed Record must carry the very same
    links and lie in the signed log, and a Signal must be there exactly when one was emitted.
    """
    console = _login(system, "console")
    partner = _login(system, "partner-demo")
    completed = _only(console, "service-events.completed", walked)
    keys = read_vkeys(system.layout.step_keys.read_text())
    if broken := check_hand_off(completed, "service_event_completed", keys, every_signature=True):
        raise UnverifiedError(f"the path of {walked.request_id} is broken at {broken}")
    sealed = _only(partner, "records.sealed", walked)
    record = cast(str, sealed["record"])
    if sha256_hex(record.encode()) != sealed["sha256"]:
        raise UnverifiedError(f"the Record {walked.record_id} does not have its digest")
    if strict_object(record)["chain"] != completed["chain"]:
        raise UnverifiedError(f"the Record {walked.record_id} tells another path than was walked")
    layout = system.layout
    trust = Trust(parse_policy(layout.policy.read_bytes()), read_keyring(layout.keyring.read_bytes()))
    report = check(Bundle(record=record, proof=cast(str, sealed["proof"])), trust)
    if failures := report.failures(("integrity", "logged", "path_signed")):
        raise UnverifiedError(f"the Record {walked.record_id} does not verify: {failures}")
    if walked.signal_id and _only(partner, "signals.emitted", walked)["signal_id"] != walked.signal_id:
        raise UnverifiedError(f"another Signal was published than {walked.signal_id}")


def keep(folder: Path, walked: Walked, bundle: bytes, envelope: str | None) -> Kept:
    """Write the files of one Record: its bundle, its photos by digest, its Signal if it has one."""
    own = folder / walked.record_id
    evidence = own / "evidence"
    evidence.mkdir(parents=True, exist_ok=True)
    for sha256, photo in walked.photos.items():
        (evidence / sha256).write_bytes(photo)
    kept = Kept(own / "record.bundle.json", evidence, own / "signal.dsse.json" if envelope else None)
    kept.bundle.write_bytes(bundle)
    if kept.signal and envelope:
        kept.signal.write_text(envelope)
    return kept


def verify_files(kept: Kept, policy: Path) -> str:
    """Run the published tool over the files and return what it prints; raises UnverifiedError."""
    command = [sys.executable, "-m", "truth_sealing", "verify", str(kept.bundle), "--policy", str(policy)]
    command += [
        "--evidence",
        str(kept.evidence),
        "--require",
        "logged,path_complete,path_signed,evidence_complete",
    ]
    command += ["--signal", str(kept.signal)] if kept.signal else []
    ran = subprocess.run(command, capture_output=True, text=True, timeout=_TOOL_SECONDS, check=False)  # noqa: S603 our own tool
    if ran.returncode != 0:
        raise UnverifiedError(f"{kept.bundle} does not verify:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def _login(system: System, name: str) -> Login:
    return Login(system.bootstrap, name, system.principals[name].password)


def _only(login: Login, topic: str, walked: Walked) -> dict[str, Json]:
    key = walked.request_id.encode()
    values = [message.value or b"" for message in read_topic(login, topic) if message.key == key]
    if len(values) != 1:
        raise UnverifiedError(f"{topic} holds {len(values)} messages of {walked.request_id}, not one")
    return strict_object(values[0])
