"""What a bundle shows beside the Record: bodies, disclosures and evidence labels, each against its digest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from truth_sealing.bundle import Bundle
from truth_sealing.canonical import Json, NotCanonicalError, canonical, is_same, sha256_hex
from truth_sealing.record import commitment
from truth_sealing.sealed import SealedRecord
from truth_sealing.steps import STEPS, BrokenChainError, Link, facts_of, read_body
from truth_sealing.strict import StrictError, strict

Body = Mapping[str, Json]

_DISCLOSURE_MEMBERS = 3  # salt, path, value


@dataclass(slots=True)
class Shown:
    """What of a bundle fits its digest, and what does not. Nothing else of a bundle may be relied on."""

    bodies: dict[str, Body] = field(default_factory=dict[str, Body])
    values: dict[str, str] = field(default_factory=dict[str, str])
    refused: set[str] = field(default_factory=set[str])
    """Paths whose disclosure does not fit."""
    wrong: list[str] = field(default_factory=list[str])

    def body(self, step: str) -> Body:
        """The shown body of `step`; empty when it is withheld or does not fit."""
        return self.bodies.get(step, {})


def read_shown(bundle: Bundle, record: SealedRecord) -> Shown:
    """Match everything shown with the digests in the Record. The Record's chain must be whole."""
    shown = Shown()
    for step, text in zip(STEPS, bundle.steps, strict=True):
        if text is not None:
            try:
                shown.bodies[step] = _body(record.link(step), text)
            except BrokenChainError as broken:
                shown.wrong.append(str(broken))
    for path, text in bundle.disclosures.items():
        try:
            shown.values[path] = _value(record, path, text)
        except BrokenChainError as broken:
            shown.refused.add(path)
            shown.wrong.append(str(broken))
    shown.wrong += _label_problems(bundle, record, shown)
    return shown


def _body(link: Link, text: str) -> Body:
    step = link["step"]
    octets, body = read_body(step, text)
    if sha256_hex(octets) != link["sha256"]:
        raise BrokenChainError(f"the body of {step} is not the one that its link names")
    for name in ("step", "event_id", "at", "actor"):
        if body.get(name) != link[name]:
            raise BrokenChainError(f"the link of {step} tells another {name} than its body")
    if not is_same(facts_of(step, body), link["facts"]):
        raise BrokenChainError(f"the link of {step} tells other facts than its body")
    return body


def _value(record: SealedRecord, path: str, text: str) -> str:
    if path not in record.commitments:
        raise BrokenChainError(f"the Record commits to no {path}")
    try:
        if commitment(text) != record.commitments[path]:
            raise BrokenChainError(f"the disclosure of {path} is not the one that the Record commits to")
        value, is_canonical = strict(text), canonical(strict(text)) == text.encode()
    except (StrictError, NotCanonicalError, UnicodeEncodeError) as error:
        raise BrokenChainError(f"the disclosure of {path} cannot be read: {error}") from error
    if not is_canonical or not isinstance(value, list) or len(value) != _DISCLOSURE_MEMBERS:
        raise BrokenChainError(f"the disclosure of {path} is not a canonical [salt, path, value]")
    if value[1] != path:
        raise BrokenChainError(f"the disclosure of {path} was made for another path")
    if not isinstance(value[2], str):
        raise BrokenChainError(f"the disclosure of {path} is not of a text")
    return value[2]


def _label_problems(bundle: Bundle, record: SealedRecord, shown: Shown) -> Iterator[str]:
    pieces = evidence_of(shown.body("service_event_completed"))
    for path, label in bundle.evidence.items():
        if not path.startswith("evidence/") or path not in record.commitments:
            yield f"the Record commits to no {path}"
        piece = pieces.get(path)
        if piece is not None and not is_same(
            [piece.get("media_type"), piece.get("bytes")], [label.media_type, label.size]
        ):
            yield f"{path} has another media type or size than the completion tells"


def evidence_of(completion: Body) -> dict[str, Body]:
    """The pieces of evidence that a completion body lists, by path."""
    return _numbered("evidence", completion)


def notes_of(completion: Body) -> dict[str, Body]:
    """The notes that a completion body lists, by path."""
    return _numbered("notes", completion)


def objects(body: Body, name: str) -> list[Body]:
    """The objects in an array of `body`; empty when it has no such array."""
    value = body.get(name)
    return [cast(Body, one) for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def member(body: Body, *names: str) -> Json:
    """What lies in `body` under `names`, one inside the other; None when nothing does."""
    value: Json = cast(Json, body)
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _numbered(name: str, completion: Body) -> dict[str, Body]:
    return {
        f"{name}/{number:04}": one for one in objects(completion, name) if type(number := one.get("n")) is int
    }
