"""The steps of the path: their bodies, the signed links over them, and the check of a hand-off on arrival.

A step's *body* is the JSON object that its owner publishes. Its *link* is the body's digest with the few
opaque facts that a reader without the body needs, signed by the owner's step key. A hand-off carries the last
step's body, the exact texts of all earlier bodies (`steps`), and one link for each (`chain`).
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict, cast

from truth_sealing.canonical import Json, NotCanonicalError, canonical, sha256_hex
from truth_sealing.keys import Signer, StepKeys
from truth_sealing.strict import StrictError, strict_object

STEP_OWNERS: Mapping[str, str] = {
    "request": "intake",
    "intake": "intake",
    "task_approved": "governance",
    "task_assigned": "governance",
    "job_created": "governance",
    "job_claimed": "execution",
    "service_event_completed": "execution",
}
"""The service that writes and signs each step."""

STEPS: tuple[str, ...] = tuple(STEP_OWNERS)
"""The seven steps, in the only order there is."""

SKEW = timedelta(minutes=5)
"""How far a step's time may lie before the step before it: clocks of different machines differ."""

_DOMAIN = b"runtime-truth/step/v1\n"
_FACTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "intake": (("maturity",), ("surface",)),
    "task_assigned": (("operator_id",),),
    "job_created": (("job", "operator_id"), ("job", "maturity")),
    "service_event_completed": (("outcome",), ("evidence_missing",)),
}
_LINK_MEMBERS = frozenset({"step", "event_id", "at", "actor", "facts", "sha256", "sig"})


class Link(TypedDict):
    """What stands for a step when its body is withheld."""

    step: str
    event_id: str
    at: str
    actor: str
    facts: dict[str, Json]
    sha256: str
    sig: str


class BrokenChainError(ValueError):
    """A hand-off whose steps do not hold together; the message names the failed check."""


@dataclass(frozen=True, slots=True)
class History:
    """The path so far: the canonical text of each step's body, and its signed link, in order."""

    steps: tuple[str, ...] = ()
    chain: tuple[Link, ...] = ()

    @property
    def head(self) -> str | None:
        """Digest of the last body, the next body's `prev`; None before the first step."""
        return self.chain[-1]["sha256"] if self.chain else None

    def link(self, step: str) -> Link:
        """The link of `step`; raises KeyError when the path has not come that far."""
        return self.chain[self._position(step)]

    def body(self, step: str) -> dict[str, Json]:
        """The body of `step`; raises KeyError when the path has not come that far."""
        return strict_object(self.steps[self._position(step)])

    def until(self, step: str) -> "History":
        """The path up to and with `step`: where another decision takes the place of a later one."""
        end = self._position(step) + 1
        return History(self.steps[:end], self.chain[:end])

    def _position(self, step: str) -> int:
        position = STEPS.index(step)
        if position >= len(self.chain):
            raise KeyError(step)
        return position


def seal_step(body: Mapping[str, Json], history: History, signer: Signer) -> History:
    """`history` with one more step: `body` made canonical, and its link signed.

    Raises ValueError when the body is not the next step's, names another `prev` than the history's head, or
    would be signed by a key that does not own the step. Those are bugs of the caller, not refusals.
    """
    step = STEPS[len(history.steps)]
    if body.get("step") != step or body.get("prev") != history.head:
        raise ValueError(f"expected the body of {step!r} with prev {history.head}")
    if signer.name != STEP_OWNERS[step]:
        raise ValueError(f"{signer.name!r} does not own {step!r}")
    text = canonical(dict(body))
    unsigned = _unsigned_link(body, sha256_hex(text))
    signature = signer.sign(_signed_message(unsigned, body["request_id"], body["prev"]))
    link = cast(Link, {**unsigned, "sig": base64.b64encode(signature).decode()})
    return History((*history.steps, text.decode()), (*history.chain, link))


def hand_off(history: History) -> dict[str, Json]:
    """The message of the last step: its body's members, the earlier bodies as `steps`, and the `chain`."""
    body = strict_object(history.steps[-1])
    return {**body, "steps": list(history.steps[:-1]), "chain": cast(Json, list(history.chain))}


def history_of(received: Mapping[str, Json]) -> History:
    """The path that a hand-off carries, its own step last. The hand-off must have passed `check_hand_off`."""
    own = canonical(_own_body(received)).decode()
    earlier = cast(list[str], received["steps"])
    return History((*earlier, own), tuple(cast(list[Link], received["chain"])))


def check_hand_off(
    received: Mapping[str, Json], last: str, keys: StepKeys, *, every_signature: bool = False
) -> str | None:
    """Why a hand-off is not whole, in one sentence that names the failed check; None when it is.

    `received` is the JSON as it came, with fields that this reader does not know. Checked are: exactly the
    steps up to `last` in order, one request_id, each `prev`, each body's digest, canonical texts, each link's
    facts, times that do not go back by more than SKEW, and the signature of the last link by the service
    that owns the step. `every_signature` checks all of them (about 80 µs each).
    """
    try:
        _check(received, STEPS[: STEPS.index(last) + 1], keys, every_signature=every_signature)
    except BrokenChainError as broken:
        return str(broken)
    return None


def check_signature(link: Link, request_id: Json, prev: Json, keys: StepKeys) -> bool:
    """Whether `link` is signed by a key of the service that owns its step."""
    try:
        signature = base64.b64decode(link["sig"], validate=True)
        unsigned = {name: value for name, value in link.items() if name != "sig"}
        message = _signed_message(cast(Mapping[str, Json], unsigned), request_id, prev)
    except (binascii.Error, NotCanonicalError, TypeError, ValueError):
        return False
    return any(key.verify(message, signature) for key in keys.get(STEP_OWNERS.get(link["step"], ""), ()))


def facts_of(step: str, body: Mapping[str, Json]) -> dict[str, Json]:
    """The facts that a link of `step` tells of `body`; raises BrokenChainError when the body lacks one."""
    facts: dict[str, Json] = {}
    for path in _FACTS.get(step, ()):
        value: Json = dict(body)
        for name in path:
            if not isinstance(value, dict) or name not in value:
                raise BrokenChainError(f"facts: the body of {step} has no {'.'.join(path)}")
            value = value[name]
        facts[path[-1]] = value
    return facts


def _unsigned_link(body: Mapping[str, Json], digest: str) -> dict[str, Json]:
    step = cast(str, body["step"])
    common: dict[str, Json] = {name: body[name] for name in ("step", "event_id", "at", "actor")}
    return {**common, "facts": facts_of(step, body), "sha256": digest}


def _signed_message(unsigned: Mapping[str, Json], request_id: Json, prev: Json) -> bytes:
    return _DOMAIN + canonical({**unsigned, "request_id": request_id, "prev": prev})


def _own_body(received: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in received.items() if name not in ("steps", "chain")}


def _check(
    received: Mapping[str, Json], expected: tuple[str, ...], keys: StepKeys, *, every_signature: bool
) -> None:
    chain, bodies = _links(received, expected), _bodies(received, expected)
    prev: str | None = None
    for link, (text, body) in zip(chain, bodies, strict=True):
        step = link["step"]
        if body.get("request_id") != received.get("request_id"):
            raise BrokenChainError(f"request_id: {step} belongs to another request")
        if body.get("prev") != prev:
            raise BrokenChainError(f"prev: {step} does not follow the step before it")
        prev = sha256_hex(text)
        _check_link(link, body, prev)
    _check_times([link["at"] for link in chain])
    for link, (_, body) in zip(chain, bodies, strict=True):
        if (every_signature or link is chain[-1]) and not check_signature(
            link, body["request_id"], body["prev"], keys
        ):
            raise BrokenChainError(f"signature: {link['step']} is not signed by {STEP_OWNERS[link['step']]}")


def _links(received: Mapping[str, Json], expected: tuple[str, ...]) -> list[Link]:
    chain = received.get("chain")
    if not isinstance(chain, list) or not all(_is_link(link) for link in chain):
        raise BrokenChainError("chain: not an array of links")
    links = cast(list[Link], chain)
    names = tuple(link["step"] for link in links)
    if names != expected:
        raise BrokenChainError(
            f"order: expected {', '.join(expected)}; received {', '.join(names) or 'none'}"
        )
    return links


def _is_link(link: Json) -> bool:
    return (
        isinstance(link, dict)
        and link.keys() == _LINK_MEMBERS
        and isinstance(link["facts"], dict)
        and all(isinstance(link[name], str) for name in _LINK_MEMBERS - {"facts"})
    )


def _bodies(received: Mapping[str, Json], expected: tuple[str, ...]) -> list[tuple[bytes, dict[str, Json]]]:
    steps = received.get("steps")
    if not isinstance(steps, list) or len(steps) != len(expected) - 1:
        raise BrokenChainError(f"order: expected the texts of {len(expected) - 1} earlier steps")
    bodies: list[tuple[bytes, dict[str, Json]]] = []
    for step, text in zip(expected, steps, strict=False):
        if not isinstance(text, str):
            raise BrokenChainError(f"text: {step} is not a text")
        bodies.append(read_body(step, text))
    own = _own_body(received)
    try:
        return [*bodies, (canonical(own), own)]
    except NotCanonicalError as error:
        raise BrokenChainError(f"text: {expected[-1]} has no canonical form: {error}") from error


def read_body(step: str, text: str) -> tuple[bytes, dict[str, Json]]:
    """The bytes and the members of a step's canonical text; raises BrokenChainError when it is neither."""
    try:
        body = strict_object(text)
        octets = text.encode()
        is_canonical = canonical(body) == octets
    except (StrictError, NotCanonicalError, UnicodeEncodeError) as error:
        raise BrokenChainError(f"text: {step} cannot be read: {error}") from error
    if not is_canonical:
        raise BrokenChainError(f"text: {step} is not in canonical form")
    return octets, body


def _check_link(link: Link, body: Mapping[str, Json], digest: str) -> None:
    step = link["step"]
    if link["sha256"] != digest:
        raise BrokenChainError(f"digest: the body of {step} is not the one that its link names")
    if any(link[name] != body.get(name) for name in ("step", "event_id", "at", "actor")):
        raise BrokenChainError(f"link: {step} differs from its body")
    if link["facts"] != facts_of(step, body):
        raise BrokenChainError(f"facts: {step} tells other facts than its body")


def _check_times(times: Iterable[str]) -> None:
    before: datetime | None = None
    for text in times:
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            raise BrokenChainError(f"time: {text!r} is not an instant") from error
        if at.tzinfo is None:
            raise BrokenChainError(f"time: {text!r} has no time zone")
        if before is not None and before - at > SKEW:
            raise BrokenChainError(f"time: {text} lies more than 5 minutes before the step before it")
        before = at
