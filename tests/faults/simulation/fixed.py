"""What is the same in every run: keys, the hour, the surface; and answers kept, since decisions are pure."""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID, uuid5

from truth_contracts.steps import Stage
from truth_governance.domain.assignment import Operator
from truth_governance.domain.commanding import Person
from truth_intake.domain.surface import Surface
from truth_records.domain.log import LogKey
from truth_sealing.keyring import Keyring, PinnedKey
from truth_sealing.keys import FileSigner, StepKeys
from truth_sealing.logged import Trust
from truth_sealing.policy import Policy
from truth_signals.consumer import Means
from truth_signals.domain.policy import read_policy

T = TypeVar("T")

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SIGNERS = {name: FileSigner.generate(name) for name in ("intake", "governance", "execution")}
KEYS: StepKeys = {name: (signer.verify_key,) for name, signer in SIGNERS.items()}
KEYRING = Keyring(
    tuple(PinnedKey("step", signer.verify_key, "", None, "active") for signer in SIGNERS.values())
)
_LOG = FileSigner.generate("records.example.org/simulated")
LOG_KEY = LogKey(_LOG, _LOG.verify_key.key_id, (_LOG.verify_key,))
_SIGNALS = FileSigner.generate("signals.example.org/simulated")
_POLICY = (
    b'{"format":"runtime-truth/signal-policy/v1","name":"simulated","version":"1","rules":{"maturity":"live",'
    b'"outcome":["fulfilled"],"evidence_missing_at_most":0,"duties_separated":true,"witnesses_at_least":0}}'
)
MEANS = Means(
    Trust(Policy(logs=list(LOG_KEY.pinned), quorum="none"), KEYRING),
    read_policy(_POLICY),
    _SIGNALS,
    _SIGNALS.verify_key.key_id,
)
STAGES = (Stage(name="repair", evidence_required=True),)
SURFACE = Surface("kitchen-repairs", 1, "Kitchen repairs", "live", STAGES, NOW, "person:ada")
ADA = Person("person:ada", "ada", "Ada Abel", is_admin=True)
AMIR = Person("person:amir", "amir", "Amir Azadi", is_admin=True)
OPERATOR = Operator("olga", "Olga Orlova", is_active=True, changed_by="person:ada", changed_at=NOW)
PHOTO = "a" * 64

_NAMESPACE = UUID("0b0f6d1e-7d2c-5b7e-9d35-3f2a1d0c9e11")
_KEPT: dict[Hashable, Any] = {}


def once(key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gave for this key before, in whatever run: it must depend on nothing else.

    Signatures and their checks take nearly all of a run's time, and runs differ in order, not in content.
    """
    try:
        return cast("T", _KEPT[key])
    except KeyError:
        made = _KEPT[key] = make()
        return made


def forget() -> None:
    """Keep nothing any more: everything is decided anew."""
    _KEPT.clear()


def uuid_of(*what: object) -> UUID:
    """The same id for the same words."""
    return uuid5(_NAMESPACE, " ".join(map(str, what)))


def salt_of(*what: object) -> str:
    """A salt of the right form, the same for the same words."""
    return uuid_of("salt", *what).hex[:22] + "=="
