"""Refusals: a rule's no, as a value. Codes are stable and part of the contracts; sentences may change."""

from collections.abc import Mapping
from dataclasses import dataclass

CODES: Mapping[str, str] = {
    # A message that cannot be read
    "envelope_invalid": "The message's envelope cannot be read",
    "body_invalid": "The message's body cannot be read",
    "body_too_large": "The body is larger than this door takes",
    "type_unknown": "This topic does not carry messages of this type",
    "version_unknown": "This version of the message is not known here",
    "key_mismatch": "The Kafka key differs from the partition key",
    "chain_broken": "The steps before this one do not hold together",
    # The door
    "source_invalid": "The source is not one that may submit requests",
    "surface_unknown": "There is no such surface",
    "surface_planned": "The surface is planned and accepts nothing yet",
    "request_key_reused": "The request key was used before with other content",
    "request_unknown": "There is no such request",
    "nothing_asked": "No question is waiting for an answer",
    # Who may
    "token_missing": "A bearer token is needed",
    "token_invalid": "The bearer token is not valid",
    "identity_unavailable": "The issuer of sign-ins does not answer",
    "role_missing": "This needs another role",
    "people_only": "Only a person may do this",
    "sign_in_needed": "Sign in first",
    "sign_in_failed": "The sign-in did not work",
    "cross_origin": "This was sent from another site's page",
    "too_many_requests": "That was too much at once",
    "own_request": "Whoever made or entered a request cannot approve it",
    "not_assigned": "Only the assigned operator may do this",
    # Tasks and Create Job
    "task_unknown": "There is no such Task",
    "task_exists": "This request already has a Task",
    "version_stale": "Somebody changed it in the meantime",
    "move_forbidden": "This is not possible in its present state",
    "operator_unknown": "There is no such active operator",
    "job_exists": "This Task already has its Job",
    "digest_unknown": "The digest is not that of the prepared Job",
    "preparation_expired": "The prepared Job is too old",
    # Passkeys
    "sign_in_stale": "This needs a fresh sign-in",
    "challenge_unknown": "No passkey was asked for with this challenge",
    "passkey_invalid": "The new passkey does not hold",
    "passkey_exists": "The passkey was registered before",
    "passkeys_full": "There are passkeys enough",
    "passkey_unknown": "You have no such passkey",
    "passkey_revoked": "The passkey was revoked",
    "proof_missing": "Create Job needs a passkey here",
    "proof_invalid": "The passkey's signature does not hold",
    # Jobs and ServiceEvents
    "job_unknown": "There is no such Job",
    "service_event_exists": "Work on this Job has begun already",
    "stage_unknown": "The surface has no such stage",
    "stage_completed": "The stage is completed already",
    "evidence_missing": "A stage lacks its required evidence",
    "evidence_unknown": "These bytes have not been uploaded",
    "service_event_full": "The ServiceEvent can hold no more",
    "command_reused": "The command id was used before for something else",
    "not_a_photo": "The bytes are not a photo of a kind that is accepted",
    "digest_mismatch": "The bytes have another digest than the one named",
    "digest_invalid": "This is not a SHA-256 digest",
    # Records and Signals
    "record_unknown": "There is no such Record",
    "record_exists": "This ServiceEvent already has its Record",
    "record_unverified": "The sealed Record does not verify",
    "signal_unknown": "There is no such Signal",
    "signal_exists": "The Signal over this Record was decided on already",
    "body_malformed": "Some fields are missing or wrong",
    "dead_letter_unknown": "There is no such dead letter",
    "dead_letter_closed": "The dead letter was dealt with already",
    "not_found": "There is nothing at this address",
    "method_not_allowed": "This address does not take that method",
    "database_unavailable": "The database does not answer",
    "store_unavailable": "The evidence store does not answer",
    "internal_error": "Something is broken here",
}
"""Every refusal code, with its title for people."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule's no. Not an error: the one refused learns why, and nothing else is disturbed."""

    code: str
    detail: str  # a sentence a person can act on; never a value that somebody sent
    field: str | None = None
    expected: str | None = None
    received: str | None = None  # JSON type and length, never the value

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code!r} is not a refusal code")
