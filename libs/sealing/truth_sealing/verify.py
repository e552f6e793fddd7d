"""Checks a bundle offline, in the order in which one thing makes the next one reliable."""

from collections.abc import Mapping

from truth_sealing.bundle import Bundle, BundleError, read_bundle
from truth_sealing.evidence import EvidenceFile, evidence_complete
from truth_sealing.facts import fact_problems
from truth_sealing.findings import FINDINGS, Finding, Report, finding
from truth_sealing.logged import LogCheck, Trust, check_log
from truth_sealing.passkey import create_job_signed
from truth_sealing.path import duties_separated, path_complete, path_signed, signed_steps
from truth_sealing.sealed import RecordError, SealedRecord, read_record
from truth_sealing.shown import read_shown

Evidence = Mapping[str, EvidenceFile]


def verify(octets: bytes, trust: Trust, evidence: Evidence | None = None) -> Report:
    """Check a bundle's file. Never raises, whatever the file holds; takes bounded time and memory."""
    try:
        bundle = read_bundle(octets)
    except BundleError as error:
        return _unreadable(f"the bundle cannot be read: {error}")
    return check(bundle, trust, evidence)


def check(bundle: Bundle, trust: Trust, evidence: Evidence | None = None) -> Report:
    """Check a bundle already read. `Bundle(record=..., proof=...)` alone shows what needs no disclosure."""
    try:
        record = read_record(bundle.record)
    except RecordError as error:
        return _unreadable(str(error))
    log = check_log(record.entry, bundle.proof, trust)
    if not record.has_whole_chain:
        return Report(_without_path(log), _subject(record, log))
    shown = read_shown(bundle, record)
    signed = signed_steps(record, trust.keyring)
    labels = {path: label.size for path, label in bundle.evidence.items()}
    findings = (
        finding(
            "integrity",
            wrong=[*log.broken, *shown.wrong, *fact_problems(record, shown)],
            missing=[],
            right="the Record is the one in the log, and all that is shown fits it",
        ),
        log.logged,
        log.witnessed,
        path_complete(record, shown, signed),
        path_signed(trust.keyring, signed),
        duties_separated(record, shown, signed),
        create_job_signed(shown.body("job_created")),
        evidence_complete(record, shown, evidence, labels),
        _corrected(log),
    )
    return Report(findings, _subject(record, log))


def _without_path(log: LogCheck) -> tuple[Finding, ...]:
    why = "the chain does not name the seven steps in order"
    integrity = finding("integrity", wrong=[*log.broken, why], missing=[], right="")
    path = Finding("path_complete", "no", why)
    rest = [Finding(name, "not shown", why) for name in FINDINGS[4:-1]]
    return (integrity, log.logged, log.witnessed, path, *rest, _corrected(log))


def _corrected(log: LogCheck) -> Finding:
    size = log.position.size if log.position else 0
    why = f"not known as of log size {size}: a bundle does not carry corrections"
    return Finding("corrected", "not shown", why)


def _unreadable(why: str) -> Report:
    rest = [Finding(name, "not shown", "nothing could be read") for name in FINDINGS[1:]]
    return Report((Finding("integrity", "no", why), *rest), {})


def _subject(record: SealedRecord, log: LogCheck) -> dict[str, str | int]:
    subject: dict[str, str | int] = {
        name: record[name] for name in ("record_id", "request_id", "surface", "maturity", "outcome")
    }
    if log.position is not None:
        subject |= {"origin": log.position.origin, "index": log.position.index, "size": log.position.size}
    return subject
