"""The Record: drawn up from a completed path, once for each ServiceEvent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from truth_contracts.base import instant_text
from truth_contracts.envelope import source_of
from truth_contracts.ids import EventId, RecordId, RequestId, ServiceEventId, derived_id
from truth_contracts.refusals import Refusal
from truth_sealing.bundle import Bundle
from truth_sealing.canonical import Json, canonical, sha256_hex
from truth_sealing.facts import fact_problems
from truth_sealing.passkey import create_job_signed
from truth_sealing.path import duties_separated, path_complete
from truth_sealing.record import FORMAT_VERSION, commitment, disclosure
from truth_sealing.sealed import SealedRecord, read_record
from truth_sealing.shown import read_shown
from truth_sealing.steps import STEPS

from truth_records.domain.path import COMPLETED, CompletedPath

RECORD_BYTES_MAX = 160 * 1024
"""Largest Record, so that RecordSealed, which holds it as a JSON string, stays below its topic's limit."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Evidence of a Record: what its bytes must be."""

    path: str
    sha256: str
    media_type: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A Record before it is sealed, with all that proves it and may be erased later."""

    record_id: RecordId
    request_id: RequestId
    service_event_id: ServiceEventId
    operator_id: str
    event_id: EventId  # of the RecordSealed to come: derived from the completion
    subject: bytes  # digest of the completion body
    body: bytes  # the Record's canonical text
    steps: tuple[str, ...]
    disclosures: Mapping[str, str]
    evidence: tuple[Piece, ...]

    @property
    def sha256(self) -> bytes:
        """Digest of the Record's text; the sealer takes it again."""
        return bytes.fromhex(sha256_hex(self.body))

    @property
    def bodies(self) -> Iterator[tuple[str, bytes]]:
        """Each step with its body's canonical text."""
        return ((step, text.encode()) for step, text in zip(STEPS, self.steps, strict=True))


def values_to_commit(path: CompletedPath) -> dict[str, str]:
    """What a Record commits to instead of telling it, by path: personal values, notes, evidence digests.

    The edge makes one salt for each.
    """
    request, assigned, completed = path.bodies["request"], path.bodies["task_assigned"], path.completed
    requester = cast(dict[str, Json], request["requester"])
    values: dict[str, Json] = {
        "requester.name": requester["name"],
        "requester.contact": requester.get("contact"),
        "place": request.get("place"),
        "summary": request["summary"],
        "operator.name": assigned["operator_name"],
    }
    values |= {_named("notes", note): note["text"] for note in _objects(completed, "notes")}
    values |= {_named("evidence", piece): piece["sha256"] for piece in _objects(completed, "evidence")}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def draw_up(
    path: CompletedPath, record_id: RecordId, salts: Mapping[str, str], now: datetime
) -> Draft | Refusal:
    """The Record of a completed path, in the form in which it will be sealed.

    The path passed the check on arrival, every signature included; `salts` has one for each name of
    `values_to_commit`. Refused as `chain_broken` when the steps tell what no verifier would accept together
    (another Job, another operator, a number used twice, a passkey over something else), and as
    `body_too_large`.
    """
    history, completed = path.history, path.completed
    values = values_to_commit(path)
    disclosures = {name: disclosure(salts[name], name, value) for name, value in values.items()}
    body = canonical(_members(path, record_id, disclosures, now))
    problem = _problem(body, path, disclosures)
    if problem is not None:
        return Refusal("chain_broken", f"The chain is broken: {problem}.")
    if len(body) > RECORD_BYTES_MAX:
        return Refusal("body_too_large", f"The Record would be larger than {RECORD_BYTES_MAX} bytes.")
    return Draft(
        record_id=record_id,
        request_id=RequestId(UUID(_text(completed, "request_id"))),
        service_event_id=ServiceEventId(UUID(_text(completed, "service_event_id"))),
        operator_id=_text(history.link("task_assigned")["facts"], "operator_id"),
        event_id=EventId(derived_id(source_of("execution"), _text(completed, "event_id"), "record_sealed")),
        subject=bytes.fromhex(history.link(COMPLETED)["sha256"]),
        body=body,
        steps=history.steps,
        disclosures=disclosures,
        evidence=tuple(_pieces(completed)),
    )


def _members(
    path: CompletedPath, record_id: RecordId, disclosures: Mapping[str, str], now: datetime
) -> dict[str, Json]:
    completed, created = path.completed, path.history.link("job_created")["facts"]
    intake = path.history.link("intake")["facts"]
    return {
        "v": FORMAT_VERSION,
        "record_id": str(record_id),
        **{name: completed[name] for name in ("request_id", "job_id", "service_event_id")},
        "operator_id": created["operator_id"],
        "surface": intake["surface"],
        "maturity": created["maturity"],
        **{name: completed[name] for name in ("outcome", "reason", "started_at")},
        "completed_at": completed["at"],
        "recorded_at": instant_text(now),
        "chain": cast(Json, list(path.history.chain)),
        "commitments": {name: commitment(text) for name, text in disclosures.items()},
        "stages": list(_stages(path)),
    }


def _stages(path: CompletedPath) -> Iterator[Json]:
    times = {stage["name"]: stage["completed_at"] for stage in _objects(path.completed, "stages")}
    counted = [piece["stage"] for piece in _objects(path.completed, "evidence")]
    for stage in _objects(path.bodies["intake"], "stages"):
        yield {
            "name": stage["name"],
            "evidence_required": stage["evidence_required"],
            "evidence_count": counted.count(stage["name"]),
            "completed_at": times.get(stage["name"]),
        }


def _problem(body: bytes, path: CompletedPath, disclosures: Mapping[str, str]) -> str | None:
    """What the verifier that strangers use would answer with a no: nothing is sealed that it would."""
    record = _read(body)
    shown = read_shown(Bundle(body.decode(), "", path.history.steps, disclosures), record)
    signed = frozenset(STEPS)  # every signature was checked on arrival
    findings = (
        path_complete(record, shown, signed),
        duties_separated(record, shown, signed),
        create_job_signed(shown.body("job_created")),
    )
    found = [*_repeated(path.completed), *shown.wrong, *fact_problems(record, shown)]
    found += [finding.reason for finding in findings if finding.answer == "no"]
    return "; ".join(dict.fromkeys(found)) or None


def _repeated(completed: Mapping[str, Json]) -> Iterator[str]:
    for name in ("notes", "evidence"):
        paths = [_named(name, one) for one in _objects(completed, name)]
        if len(paths) != len(set(paths)):
            yield f"two {name} bear the same number"


def _pieces(completed: Mapping[str, Json]) -> Iterator[Piece]:
    for piece in _objects(completed, "evidence"):
        bytes_ = cast(int, piece["bytes"])
        yield Piece(_named("evidence", piece), _text(piece, "sha256"), _text(piece, "media_type"), bytes_)


def _read(body: bytes) -> SealedRecord:
    return read_record(body.decode())


def _named(name: str, one: Mapping[str, Json]) -> str:
    return f"{name}/{one['n']:04}"


def _objects(body: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    return cast(list[dict[str, Json]], body[name])


def _text(body: Mapping[str, Json], name: str) -> str:
    return cast(str, body[name])
