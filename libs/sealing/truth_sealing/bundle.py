"""The file that proves one Record: its exact text, what is disclosed of it, and the proof from the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from truth_sealing.canonical import Json, NotCanonicalError, canonical
from truth_sealing.steps import STEPS
from truth_sealing.strict import StrictError, strict_object

FORMAT = "runtime-truth/bundle/v1"
BUNDLE_BYTES_MAX = 4 * 1024 * 1024
TEXT_CHARACTERS_MAX = 256 * 1024
PARTS_MAX = 4096
_MEMBERS = frozenset({"format", "record", "steps", "disclosures", "evidence", "proof"})


class BundleError(ValueError):
    """The file is not a bundle; the message says why."""


@dataclass(frozen=True, slots=True)
class EvidenceLabel:
    """What the bundle says of a piece of evidence whose bytes lie beside it."""

    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as read, nothing of it verified. Texts are hashed as they stand."""

    record: str
    proof: str
    steps: tuple[str | None, ...] = (None,) * len(STEPS)
    """The body of each of the seven steps, None where it is withheld."""
    disclosures: Mapping[str, str] = field(default_factory=dict[str, str])
    evidence: Mapping[str, EvidenceLabel] = field(default_factory=dict[str, EvidenceLabel])


def write_bundle(bundle: Bundle) -> bytes:
    """The bundle's file."""
    evidence = {
        path: {"media_type": label.media_type, "size": label.size} for path, label in bundle.evidence.items()
    }
    return canonical(
        {
            "format": FORMAT,
            "record": bundle.record,
            "steps": list(bundle.steps),
            "disclosures": dict(bundle.disclosures),
            "evidence": evidence,
            "proof": bundle.proof,
        }
    )


def read_bundle(octets: bytes) -> Bundle:
    """Read a bundle of bounded size; raises BundleError.

    The file must be in canonical form and hold nothing else, so that no byte of it goes unchecked.
    """
    if len(octets) > BUNDLE_BYTES_MAX:
        raise BundleError(f"longer than {BUNDLE_BYTES_MAX} bytes")
    try:
        members = strict_object(octets)
        is_canonical = canonical(members) == octets
    except (StrictError, NotCanonicalError) as error:
        raise BundleError(str(error)) from error
    if not is_canonical:
        raise BundleError("not in canonical form: spaces, line ends or escapes were added, or keys reordered")
    if members.get("format") != FORMAT or members.keys() != _MEMBERS:
        raise BundleError(f"not a {FORMAT} with exactly {', '.join(sorted(_MEMBERS))}")
    return Bundle(
        record=_text(members["record"], "record"),
        proof=_text(members["proof"], "proof"),
        steps=_steps(members["steps"]),
        disclosures={path: _text(text, path) for path, text in _parts(members["disclosures"])},
        evidence={path: _label(label, path) for path, label in _parts(members["evidence"])},
    )


def _text(value: Json, name: str) -> str:
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS_MAX:
        raise BundleError(f"{name} is not a text of at most {TEXT_CHARACTERS_MAX} characters")
    return value


def _steps(value: Json) -> tuple[str | None, ...]:
    if not isinstance(value, list) or len(value) != len(STEPS):
        raise BundleError(f"steps is not an array of {len(STEPS)}")
    return tuple(None if text is None else _text(text, step) for step, text in zip(STEPS, value, strict=True))


def _parts(value: Json) -> list[tuple[str, Json]]:
    if not isinstance(value, dict) or len(value) > PARTS_MAX:
        raise BundleError(f"disclosures or evidence is not an object of at most {PARTS_MAX} members")
    return list(value.items())


def _label(value: Json, path: str) -> EvidenceLabel:
    if not isinstance(value, dict) or value.keys() != {"media_type", "size"}:
        raise BundleError(f"{path} does not have exactly media_type and size")
    media_type, size = value["media_type"], value["size"]
    if not isinstance(media_type, str) or type(size) is not int or size < 0:
        raise BundleError(f"{path} has no media type or no size")
    return EvidenceLabel(media_type, size)
