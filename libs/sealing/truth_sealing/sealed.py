"""Reads a Record's text. Only its form is checked here; `verify` asks whether what it says is so."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from truth_sealing.canonical import Json, NotCanonicalError, canonical, is_same
from truth_sealing.record import FORMAT_VERSION, entry
from truth_sealing.steps import STEPS, Link
from truth_sealing.strict import StrictError, strict_object

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LINK_TEXTS = ("step", "event_id", "at", "actor", "sha256", "sig")
_RECORD_TEXTS = (
    "record_id",
    "request_id",
    "job_id",
    "service_event_id",
    "operator_id",
    "surface",
    "maturity",
    "outcome",
    "started_at",
    "completed_at",
    "recorded_at",
)


class RecordError(ValueError):
    """The text is not a Record; the message says why."""


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A Record as its text has it."""

    text: str
    members: Mapping[str, Json]
    chain: tuple[Link, ...]
    commitments: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """One of the Record's texts, such as `outcome`."""
        return cast(str, self.members[name])

    @property
    def stages(self) -> list[Json]:
        """Stages with what was required and what is there."""
        return cast(list[Json], self.members["stages"])

    @property
    def has_whole_chain(self) -> bool:
        """Whether the chain names exactly the seven steps in order."""
        return tuple(link["step"] for link in self.chain) == STEPS

    @property
    def entry(self) -> bytes:
        """The log entry over this Record."""
        subject = self.chain[-1]["sha256"] if self.chain else ""
        return entry(self["record_id"], self.text.encode(), subject)

    def link(self, step: str) -> Link:
        """The link of `step`, of a whole chain."""
        return self.chain[STEPS.index(step)]

    def prev(self, step: str) -> str | None:
        """Digest of the body before `step`'s, of a whole chain."""
        position = STEPS.index(step)
        return self.chain[position - 1]["sha256"] if position else None


def read_record(text: str) -> SealedRecord:
    """Read a Record's canonical text; raises RecordError."""
    try:
        members = strict_object(text)
        is_canonical = canonical(members) == text.encode()
    except (StrictError, NotCanonicalError, UnicodeEncodeError) as error:
        raise RecordError(f"the Record cannot be read: {error}") from error
    if not is_canonical:
        raise RecordError("the Record's text is not in canonical form")
    if not is_same(members.get("v"), FORMAT_VERSION):
        raise RecordError(f"not a Record of version {FORMAT_VERSION}")
    if not all(isinstance(members.get(name), str) for name in _RECORD_TEXTS):
        raise RecordError(f"a Record needs the texts {', '.join(_RECORD_TEXTS)}")
    if not isinstance(members.get("stages"), list) or not isinstance(members.get("reason", 0), str | None):
        raise RecordError("a Record needs an array of stages, and a reason or null")
    return SealedRecord(text, members, _chain(members), _commitments(members))


def _chain(members: Mapping[str, Json]) -> tuple[Link, ...]:
    chain = members.get("chain")
    if not isinstance(chain, list) or not all(_is_link(link) for link in chain):
        raise RecordError("a Record needs an array of links")
    return tuple(cast(list[Link], chain))


def _is_link(link: Json) -> bool:
    return (
        isinstance(link, dict)
        and link.keys() == {*_LINK_TEXTS, "facts"}
        and isinstance(link["facts"], dict)
        and all(isinstance(link[name], str) for name in _LINK_TEXTS)
        and bool(_DIGEST.fullmatch(cast(str, link["sha256"])))
    )


def _commitments(members: Mapping[str, Json]) -> dict[str, str]:
    commitments = members.get("commitments")
    if not isinstance(commitments, dict):
        raise RecordError("a Record needs commitments")
    digests = cast(dict[str, str], commitments)
    if not all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in commitments.values()):
        raise RecordError("a commitment is not a digest")
    return digests
