"""The verdict on a release: every pair and everything in flight, each with yes, no or unknown, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal

from truth_contracts.manifest import Manifest

from truth_gate.pairs import Pair
from truth_gate.released import Released, UnknownReleaseError, Waiver
from truth_gate.schemas import breaks

Says = Literal["yes", "no", "unknown"]


class Exit(IntEnum):
    """What the command ends with. Not knowing is never yes."""

    YES = 0
    NO = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the matrix."""

    proof: Literal["schemas", "samples", "in flight"]
    what: str
    writer: str
    reader: str
    says: Says
    why: str = ""


@dataclass(frozen=True, slots=True)
class Flying:
    """Messages of one version of a contract that somebody has still to read."""

    where: str
    type: str | None
    version: str | None
    count: int
    oldest_at: datetime | None


def verdict(findings: Iterable[Finding]) -> Exit:
    """No if anything says no, unknown if anything is, else yes. Nothing found out is unknown too."""
    said = {finding.says for finding in findings}
    if "no" in said:
        return Exit.NO
    return Exit.UNKNOWN if "unknown" in said or not said else Exit.YES


def by_schema(pair: Pair, released: Released) -> Finding:
    """Whether a pair's reader takes everything that its writer may write."""
    what, writer = f"{pair.type} {pair.written}", pair.writer

    def found(says: Says, why: str) -> Finding:
        return Finding("schemas", what, writer, f"{pair.reader} ({pair.reads or 'none'})", says, why)

    if pair.reads is None:
        waived = _waived(pair, "$", released.waivers())
        return found("yes" if waived else "no", waived or "the reader does not know this type")
    try:
        written = released.schema(pair.type, pair.written, "write")
        demanded = released.schema(pair.type, pair.reads, "read")
    except UnknownReleaseError as error:
        return found("unknown", str(error))
    reasons = breaks(written, demanded)
    waivers = released.waivers()
    standing = [reason for reason in reasons if not _waived(pair, reason.partition(":")[0], waivers)]
    if standing:
        return found("no", "; ".join(standing))
    waived = [_waived(pair, reason.partition(":")[0], waivers) or "" for reason in reasons]
    return found("yes", "; ".join(waived))


def _waived(pair: Pair, path: str, waivers: Iterable[Waiver]) -> str | None:
    for waiver in waivers:
        about = (waiver.type, waiver.writer, waiver.reader, waiver.path)
        if about == (pair.type, pair.written, pair.reads or "none", path):
            return f"waived: {waiver.reason}"
    return None


def by_flight(candidate: Manifest, flying: Flying, released: Released, now: datetime) -> Finding:
    """Whether the candidate can read what is on its way to it."""
    age = "" if flying.oldest_at is None else f", the oldest {_age(now - flying.oldest_at)} old"
    told = f"{flying.count} message{'s' if flying.count > 1 else ''}{age}"
    what = f"{flying.type or 'no type'} {flying.version or ''}".strip()
    reads = candidate.reads.get(flying.type or "")
    reader = f"{candidate.name} {candidate.version} ({reads or 'none'})"

    def found(says: Says, why: str) -> Finding:
        return Finding("in flight", what, flying.where, reader, says, why)

    if flying.type is None or reads is None:
        return found("no", f"{told}: the reader does not know this type")
    if flying.version is None:  # outsiders need not say it; ours always do
        return found("yes", told)
    try:
        written = released.schema(flying.type, flying.version, "write")
        reasons = breaks(written, released.schema(flying.type, reads, "read"))
    except UnknownReleaseError as error:
        return found("unknown", f"{told}: {error}")
    return found("no", f"{told}: {'; '.join(reasons)}") if reasons else found("yes", told)


def _age(age: object) -> str:
    text = str(age)
    return text.partition(".")[0]


def table(findings: Iterable[Finding]) -> Mapping[Says, int]:
    """How many lines say what."""
    counts: dict[Says, int] = {"yes": 0, "no": 0, "unknown": 0}
    for finding in findings:
        counts[finding.says] += 1
    return counts
