"""The Intake: a request validated, structured and stored, once whatever the door. Never executable."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from truth_contracts.envelope import described
from truth_contracts.ids import EventId, RequestId, derived_id
from truth_contracts.intakes import IntakeAccepted, IntakeBody
from truth_contracts.refusals import Refusal
from truth_contracts.requests import BODY_BYTES_MAX, RequestBody
from truth_contracts.steps import Maturity
from truth_sealing.canonical import canonical
from truth_sealing.keys import Signer
from truth_sealing.steps import History, hand_off, seal_step

from truth_intake.domain.submission import Submission
from truth_intake.domain.surface import Surface

OWN_ACTOR = "service:intake"


@dataclass(frozen=True, slots=True)
class Known:
    """An Intake that exists, as far as the next submission's decision needs it."""

    request_id: RequestId
    source: str
    request_key: str
    received_event_id: str
    content_sha256: str
    surface: str
    maturity: Maturity


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands when a submission is decided: its surface, and Intakes of its key and of its event."""

    surface: Surface | None
    of_key: Known | None = None
    of_event: Known | None = None


class KnownIntakes:
    """Intakes that a batch of submissions may meet; those of the batch itself are added as they come."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._of_key: dict[tuple[str, str], Known] = {}
        self._of_event: dict[tuple[str, str], Known] = {}
        for one in known:
            self.add(one)

    def add(self, known: Known) -> None:
        """From now on submissions meet this one too."""
        self._of_key[known.source, known.request_key] = known
        self._of_event[known.source, known.received_event_id] = known

    def standing(self, submission: Submission, surface: Surface | None) -> Standing:
        """What stands when this submission is decided."""
        event = (submission.entrance.source, submission.event_id)
        return Standing(surface, self._of_key.get(submission.key), self._of_event.get(event))


@dataclass(frozen=True, slots=True)
class Fresh:
    """What only the edge may make for a new Intake."""

    request_id: RequestId
    request_salt: str
    intake_salt: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A new Intake, not sealed yet."""

    submission: Submission
    surface: Surface
    fresh: Fresh
    request: RequestBody

    @property
    def known(self) -> Known:
        """The new Intake as later submissions of the same batch meet it."""
        source, request_key = self.submission.key
        return Known(
            self.fresh.request_id,
            source,
            request_key,
            self.submission.event_id,
            self.submission.content_sha256,
            self.surface.name,
            self.surface.maturity,
        )


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request once more: it has its Intake."""

    intake: Known


@dataclass(frozen=True, slots=True)
class Sealed:
    """A new Intake with its two signed steps and the hand-off to governance."""

    accepted: Accepted
    history: History
    event: IntakeAccepted
    tracker_sha256: bytes | None = None


def accept(submission: Submission, standing: Standing, fresh: Fresh) -> Accepted | Repeated | Refusal:
    """One Intake per source and request key: the first is accepted, its repeats find it.

    Refused: `request_key_reused`, `surface_unknown`, `surface_planned`, `body_too_large`.
    """
    met = _met(submission, standing)
    if met is not None:
        return met
    surface = standing.surface
    if surface is None:
        expected, received = "the name of a registered surface", described(submission.submitted.surface)
        detail = "No surface of this name is registered."
        return Refusal("surface_unknown", detail, "surface", expected, received)
    if surface.maturity == "planned":
        detail = f"{surface.title} is planned and accepts no requests yet."
        return Refusal("surface_planned", detail, "surface", "a partial or live surface", "a planned surface")
    request = _request_body(submission, fresh)
    return _too_large(request) or Accepted(submission, surface, fresh, request)


def seal(accepted: Accepted, signer: Signer, tracker_sha256: bytes | None = None) -> Sealed:
    """Seal both steps, `request` and `intake`, and make the hand-off to governance."""
    submission, fresh, surface = accepted.submission, accepted.fresh, accepted.surface
    history = seal_step(accepted.request.model_dump(mode="json"), History(), signer)
    body = IntakeBody(
        event_id=EventId(derived_id(submission.entrance.source, submission.event_id, "intake")),
        request_id=fresh.request_id,
        at=fresh.now,
        actor=OWN_ACTOR,
        salt=fresh.intake_salt,
        prev=history.head,
        surface=surface.name,
        maturity=surface.maturity,
        stages=surface.stages,
    )
    history = seal_step(body.model_dump(mode="json"), history, signer)
    return Sealed(accepted, history, IntakeAccepted.model_validate(hand_off(history)), tracker_sha256)


def _met(submission: Submission, standing: Standing) -> Repeated | Refusal | None:
    """What an Intake that exists means for the submission; None when there is none."""
    if standing.of_key is not None:
        if standing.of_key.content_sha256 == submission.content_sha256:
            return Repeated(standing.of_key)
        detail = "This request key was used before with other content."
        expected = "a new key, or the same content"
        return Refusal("request_key_reused", detail, "request_key", expected, "other content")
    if standing.of_event is not None:
        # Its Intake's event would have the same derived id, and governance would take it for a repeat.
        detail = "This event id was used before for a request with another key."
        expected = "a new event id, or the same request"
        return Refusal("request_key_reused", detail, "event_id", expected, "another request key")
    return None


def _request_body(submission: Submission, fresh: Fresh) -> RequestBody:
    submitted = submission.submitted
    return RequestBody(
        event_id=submission.event_id,
        request_id=fresh.request_id,
        at=submission.received_at,
        actor=submission.entrance.actor,
        salt=fresh.request_salt,
        prev=None,
        source=submission.entrance.source,
        door=submission.entrance.door,
        received_sha256=submission.received_sha256,
        request_key=submitted.request_key,
        surface=submitted.surface,
        summary=submitted.summary,
        description=submitted.description,
        requester=submitted.requester,
        place=submitted.place,
        wanted_by=submitted.wanted_by,
        submitted_at=submitted.submitted_at,
        details=submitted.details,
    )


def _too_large(request: RequestBody) -> Refusal | None:
    """No accepted request may outgrow a later message's limit. The refusal names its largest member."""
    body = request.model_dump(mode="json")
    size = len(canonical(body))
    if size <= BODY_BYTES_MAX:
        return None
    largest = max(body, key=lambda member: len(canonical(body[member])))
    detail = f"The request takes {size} bytes, {BODY_BYTES_MAX} is the most; {largest} takes most of them."
    received = f"{described(body[largest])}, {len(canonical(body[largest]))} bytes"
    return Refusal(
        "body_too_large", detail, largest, f"a request of at most {BODY_BYTES_MAX} bytes", received
    )
