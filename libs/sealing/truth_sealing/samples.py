"""A whole signed path, its Record and a small log, made in memory: for tests of whoever builds on this."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from truth_sealing.bundle import Bundle, EvidenceLabel
from truth_sealing.canonical import Json, canonical, sha256_hex
from truth_sealing.checkpoint import Checkpoint, sign_checkpoint
from truth_sealing.cosignature import CosignatureKey, cosignature_line
from truth_sealing.edge import Edge
from truth_sealing.evidence import EvidenceFile
from truth_sealing.keyring import read_keyring
from truth_sealing.keys import FileSigner
from truth_sealing.logged import Trust
from truth_sealing.passkey import challenge
from truth_sealing.policy import parse_policy
from truth_sealing.proof import proof_of_lines
from truth_sealing.record import commitment, disclosure
from truth_sealing.sealed import read_record
from truth_sealing.steps import STEP_OWNERS, STEPS, History, seal_step
from truth_sealing.tree import leaf_hash

ORIGIN = "records.example.org/log"
WITNESSES = ("witness.example.org/w1", "auditor.example.net/w2")
PHOTOS = (b"photo of the tap", b"photo of the new tap")
REQUEST_ID = "0191d6a0-0000-7000-8000-000000000001"
JOB_ID = "0191d6a0-0000-7000-8000-000000000002"
SERVICE_EVENT_ID = "0191d6a0-0000-7000-8000-000000000003"
RECORD_ID = "0191d6a0-0000-7000-8000-000000000004"
TASK_ID = "0191d6a0-0000-7000-8000-000000000005"
_STAGES: list[Json] = [
    {"name": "inspect", "evidence_required": True},
    {"name": "repair", "evidence_required": True},
    {"name": "hand-over", "evidence_required": False},
]
_STARTED, _DONE = "2026-11-24T10:06:00.000Z", "2026-11-24T10:06:30.000Z"
Changes = Mapping[str, Mapping[str, Json]]
"""Members of a step's body to set otherwise, by step."""


@dataclass(frozen=True, slots=True)
class Keys:
    """One key of every kind, new for each instance."""

    log: FileSigner = field(default_factory=lambda: FileSigner.generate(ORIGIN))
    steps: Mapping[str, FileSigner] = field(
        default_factory=lambda: {name: FileSigner.generate(name) for name in set(STEP_OWNERS.values())}
    )
    signal: FileSigner = field(default_factory=lambda: FileSigner.generate("signals.example.org"))
    witnesses: Sequence[FileSigner] = field(
        default_factory=lambda: tuple(FileSigner.generate(name) for name in WITNESSES)
    )

    def policy(self, quorum: str = "all") -> bytes:
        """A tlog-policy: this log, two witnesses, quorum `all`, `any` or `none`."""
        lines = [f"log {self.log.verify_key.vkey}"]
        lines += [f"witness w{i} {cosigner(s).vkey}" for i, s in enumerate(self.witnesses, start=1)]
        lines += ["quorum none"] if quorum == "none" else [f"group both {quorum} w1 w2", "quorum both"]
        return "\n".join([*lines, ""]).encode()

    def keyring(self) -> bytes:
        """The keys file beside it: step and signal keys."""
        signers = [("step", signer) for signer in self.steps.values()] + [("signal", self.signal)]
        keys = [
            {"kind": kind, "vkey": signer.verify_key.vkey, "from": None, "to": None, "state": "active"}
            for kind, signer in signers
        ]
        return json.dumps({"keys": keys}).encode()

    def trust(self, quorum: str = "all") -> Trust:
        """Both, as a verifier pins them."""
        return Trust(parse_policy(self.policy(quorum)), read_keyring(self.keyring()))


def cosigner(signer: FileSigner) -> CosignatureKey:
    """The witness key of a signer."""
    return CosignatureKey(signer.name, signer.verify_key.public)


def path(keys: Keys, changes: Changes | None = None, request_id: str = REQUEST_ID) -> History:
    """All seven steps, signed, a minute between them."""
    history = History()
    for minute, step in enumerate(STEPS):
        body = {**_common(step, minute, request_id, history), **_own(step, history, request_id)}
        history = seal_step({**body, **(changes or {}).get(step, {})}, history, keys.steps[STEP_OWNERS[step]])
    return history


def record(history: History, changes: Mapping[str, Json] | None = None) -> tuple[str, dict[str, str]]:
    """The Record's text over a whole path, and its disclosures by path."""
    completed, request = history.body("service_event_completed"), history.body("request")
    requester = cast(dict[str, str], request["requester"])
    values = {f"requester.{name}": requester[name] for name in ("name", "contact") if name in requester}
    values |= {name: cast(str, request[name]) for name in ("place", "summary")}
    values["operator.name"] = cast(str, history.body("task_assigned")["operator_name"])
    for name, value in (("notes", "text"), ("evidence", "sha256")):
        pieces = cast(list[dict[str, str]], completed[name])
        values |= {f"{name}/{piece['n']:04}": piece[value] for piece in pieces}
    disclosures = {p: disclosure(_salt(p), p, value) for p, value in values.items()}
    members: dict[str, Json] = {
        "v": 1,
        "record_id": RECORD_ID,
        "request_id": request["request_id"],
        "operator_id": history.link("task_assigned")["facts"]["operator_id"],
        "surface": history.link("intake")["facts"]["surface"],
        "maturity": history.link("intake")["facts"]["maturity"],
        **{
            name: completed[name]
            for name in ("job_id", "service_event_id", "outcome", "started_at", "reason")
        },
        "completed_at": completed["at"],
        "recorded_at": "2026-11-24T10:07:00.000Z",
        "chain": cast(Json, [dict(link) for link in history.chain]),
        "commitments": {p: commitment(text) for p, text in disclosures.items()},
        "stages": [_stage(stage, completed) for stage in cast(list[dict[str, Json]], _STAGES)],
    }
    return canonical({**members, **(changes or {})}).decode(), disclosures


def prove(
    entry: bytes, keys: Keys, *, index: int = 3, size: int = 7, signer: FileSigner | None = None
) -> str:
    """A tlog-proof of `entry` in a log of `size`, signed by the log (or `signer`) and both witnesses."""
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    leaves[index] = leaf_hash(entry)
    appended = Edge().append(leaves)
    log = signer or keys.log
    checkpoint = Checkpoint(log.name, size, appended.edge.root)
    note = sign_checkpoint(checkpoint, (log, log.verify_key.key_id))
    note += "".join(cosignature_line(checkpoint.text, w, cosigner(w), 1795515000) for w in keys.witnesses)
    return proof_of_lines(index, appended.inclusion_lines(index), note)


def bundle(keys: Keys, history: History | None = None, changes: Mapping[str, Json] | None = None) -> Bundle:
    """A whole bundle, everything disclosed, as records would serve it."""
    history = history or path(keys)
    text, disclosures = record(history, changes)
    completed = history.body("service_event_completed")
    labels = {
        f"evidence/{piece['n']:04}": EvidenceLabel(piece["media_type"], cast(int, piece["bytes"]))
        for piece in cast(list[dict[str, str]], completed["evidence"])
    }
    proof = prove(read_record(text).entry, keys)
    return Bundle(text, proof, history.steps, disclosures, labels)


def evidence(photos: Sequence[bytes] = PHOTOS) -> dict[str, EvidenceFile]:
    """The evidence as if read from a folder."""
    return {sha256_hex(photo): EvidenceFile(sha256_hex(photo), len(photo)) for photo in photos}


def passkey_proof(job: Json) -> dict[str, Json]:
    """The proof over a frozen Job that a new passkey of governance.example.org gives, its user verified."""
    passkey, host = Ed25519PrivateKey.generate(), "governance.example.org"
    asked = {"type": "webauthn.get", "challenge": challenge(job), "origin": f"https://{host}"}
    client, data = json.dumps(asked).encode(), hashlib.sha256(host.encode()).digest() + b"\x05" + bytes(4)
    return {
        "public_key": _base64url(
            passkey.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ),
        "authenticator_data": _base64url(data),
        "client_data_json": _base64url(client),
        "signature": _base64url(passkey.sign(data + hashlib.sha256(client).digest())),
    }


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _salt(name: str) -> str:
    return base64.b64encode(hashlib.sha256(name.encode()).digest()[:16]).decode()


def _common(step: str, minute: int, request_id: str, history: History) -> dict[str, Json]:
    actors = {"request": "person:rita", "intake": "service:intake", "job_claimed": "person:olga"}
    actor = "person:olga" if step == "service_event_completed" else actors.get(step, "person:ada")
    return {
        "type": f"truth.{step}.v1",
        "step": step,
        "event_id": f"{request_id}-{step}",
        "request_id": request_id,
        "at": _DONE if step == "service_event_completed" else f"2026-11-24T10:{minute:02}:00.000Z",
        "actor": actor,
        "salt": _salt(step),
        "prev": history.head,
    }


def _own(step: str, history: History, request_id: str) -> dict[str, Json]:
    surface: dict[str, Json] = {"surface": "kitchen-repairs", "maturity": "live", "stages": _STAGES}
    match step:
        case "request":
            requester: Json = {"name": "Rita Resident", "contact": "+44 20 7946 0000"}
            asked: dict[str, Json] = {"summary": "The tap drips", "place": "Flat 4, 1 Example Street"}
            return {**asked, "surface": "kitchen-repairs", "requester": requester}
        case "intake":
            return surface
        case "task_approved":
            return {"task_id": TASK_ID}
        case "task_assigned":
            return {"task_id": TASK_ID, "operator_id": "olga", "operator_name": "Olga Operator"}
        case "job_created":
            ids: dict[str, Json] = {"job_id": JOB_ID, "task_id": TASK_ID, "request_id": request_id}
            prepared: dict[str, Json] = {"prepared_by": "person:ada", "prev": history.head}
            return {"job": {**ids, **surface, **prepared, "operator_id": "olga"}, "proof": None}
        case "job_claimed":
            return {"job_id": JOB_ID}
        case _:
            return _completion()


def _completion() -> dict[str, Json]:
    stages = ("inspect", "repair")
    return {
        "job_id": JOB_ID,
        "service_event_id": SERVICE_EVENT_ID,
        "started_at": _STARTED,
        "outcome": "fulfilled",
        "reason": None,
        "evidence_missing": [],
        "stages": [{"name": name, "completed_at": _DONE} for name in (*stages, "hand-over")],
        "notes": [{"n": 1, "text": "Washer replaced", "stage": "repair"}],
        "evidence": [
            {
                "n": n,
                "sha256": sha256_hex(photo),
                "media_type": "image/jpeg",
                "bytes": len(photo),
                "stage": stage,
            }
            for n, (photo, stage) in enumerate(zip(PHOTOS, stages, strict=True), start=1)
        ],
    }


def _stage(stage: Mapping[str, Json], completed: Mapping[str, Json]) -> dict[str, Json]:
    times = {s["name"]: s["completed_at"] for s in cast(list[dict[str, str]], completed["stages"])}
    pieces = [p for p in cast(list[dict[str, Json]], completed["evidence"]) if p["stage"] == stage["name"]]
    return {**stage, "evidence_count": len(pieces), "completed_at": times.get(cast(str, stage["name"]))}
