"""Commands as forms bring them: the field `once` is the command's id, an empty field is not said."""

from collections.abc import Mapping
from typing import Literal

from pydantic import ValidationError
from truth_contracts.refusals import Refusal
from truth_kit.pages import Typed
from truth_kit.problems import Refused

from truth_execution.api.giving import AnyCommand
from truth_execution.domain.claim import Claim, HandJobBack
from truth_execution.domain.completion import Complete
from truth_execution.domain.service_event import AttachEvidence, CompleteStage, Start, WriteNote

Name = Literal["claim", "hand-back", "start", "stage", "note", "evidence", "complete"]

_KINDS: Mapping[Name, type[AnyCommand]] = {
    "claim": Claim,
    "hand-back": HandJobBack,
    "start": Start,
    "stage": CompleteStage,
    "note": WriteNote,
    "evidence": AttachEvidence,
    "complete": Complete,
}


def read_command(name: Name, typed: Typed) -> AnyCommand:
    """The command that a form gives. Raises Refused: `body_malformed`, naming the field."""
    kind = _KINDS[name]
    said = {field: typed[field] for field in kind.model_fields if typed[field]}
    try:
        return kind.model_validate({**said, "command_id": typed["once"]})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        field = str(found["loc"][0]) if found["loc"] else ""
        said_wrongly = f"{_WORDS.get(field, field)}: {found['msg']}."
        raise Refused(Refusal("body_malformed", said_wrongly, field)) from None


_WORDS = {"text": "The note", "reason": "The reason", "outcome": "The outcome", "command_id": "The form"}
