"""The keys file that stands beside a policy: every key ever used, of which kind, and from when to when."""

from collections import defaultdict
from dataclasses import dataclass

from truth_sealing.canonical import Json
from truth_sealing.cosignature import CosignatureKey
from truth_sealing.instants import read_instant
from truth_sealing.keys import KeyFormatError, StepKeys, VerifyKey
from truth_sealing.strict import StrictError, strict_object

KEYS_BYTES_MAX = 256 * 1024
_MEMBERS = frozenset({"kind", "vkey", "from", "to", "state"})


class KeyringError(ValueError):
    """The keys file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """A key with the span in which it counts, ends included; no start is an empty text.

    A log key's span is in tree sizes, any other's in times as they stand in links (`...sssZ`).
    """

    kind: str
    key: VerifyKey | CosignatureKey
    start: str
    end: str | None
    state: str

    def covers(self, moment: str) -> bool:
        """Whether `moment` lies in the span. Moments are compared as texts: all of a kind have one form."""
        return self.start <= moment and (self.end is None or moment <= self.end)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys file as read."""

    keys: tuple[PinnedKey, ...]

    @property
    def has_step_keys(self) -> bool:
        """Whether signatures of steps can be checked at all."""
        return any(pinned.kind == "step" for pinned in self.keys)

    def keys_of(self, kind: str, at: str | None = None) -> tuple[VerifyKey, ...]:
        """The Ed25519 keys of a kind in force at the time `at`, or every one there ever was."""
        pinned = (one for one in self.keys if one.kind == kind and (at is None or one.covers(at)))
        return tuple(one.key for one in pinned if isinstance(one.key, VerifyKey))

    def step_keys(self, at: str) -> StepKeys:
        """Step keys in force at the time `at`, by service."""
        found: defaultdict[str, list[VerifyKey]] = defaultdict(list)
        for key in self.keys_of("step", at):
            found[key.name].append(key)
        return {name: tuple(keys) for name, keys in found.items()}

    def signal_keys(self, at: str) -> tuple[VerifyKey, ...]:
        """Keys that may sign Signals at the time `at`."""
        return self.keys_of("signal", at)

    def allows_log_key(self, key: VerifyKey, size: int) -> bool:
        """Whether a log key counts at this tree size. One that the file does not list always does."""
        listed = [pinned for pinned in self.keys if pinned.kind == "log" and pinned.key == key]
        return not listed or any(pinned.covers(_size_text(size)) for pinned in listed)


def read_keyring(octets: bytes) -> Keyring:
    """Read `{"keys":[{"kind","vkey","from","to","state"}]}`; raises KeyringError."""
    if len(octets) > KEYS_BYTES_MAX:
        raise KeyringError(f"longer than {KEYS_BYTES_MAX} bytes")
    try:
        keys = strict_object(octets).get("keys")
    except StrictError as error:
        raise KeyringError(str(error)) from error
    if not isinstance(keys, list):
        raise KeyringError("no array of keys")
    return Keyring(tuple(_pinned(entry, number) for number, entry in enumerate(keys, start=1)))


def _pinned(entry: Json, number: int) -> PinnedKey:
    if not isinstance(entry, dict) or entry.keys() != _MEMBERS:
        raise KeyringError(f"key {number} does not have exactly the members {', '.join(sorted(_MEMBERS))}")
    kind, vkey, state = entry["kind"], entry["vkey"], entry["state"]
    if kind not in ("log", "step", "signal", "witness") or state not in ("active", "retired"):
        raise KeyringError(f"key {number} has an unknown kind or state")
    if state == "retired" and entry["to"] is None:
        raise KeyringError(f"key {number} is retired and does not say since when")
    try:
        key = (CosignatureKey if kind == "witness" else VerifyKey).parse(
            vkey if isinstance(vkey, str) else ""
        )
    except (KeyFormatError, UnicodeEncodeError) as error:
        raise KeyringError(f"key {number}: {error}") from error
    start, end = (_moment(entry[name], number, is_size=kind == "log") for name in ("from", "to"))
    return PinnedKey(str(kind), key, start or "", end, str(state))


def _moment(value: Json, number: int, *, is_size: bool) -> str | None:
    if value is None:
        return None
    if is_size and type(value) is int and value >= 0:
        return _size_text(value)
    if not is_size and isinstance(value, str) and read_instant(value):
        return value
    raise KeyringError(f"key {number}: a log key's span is in sizes, any other's in times (...sssZ)")


def _size_text(size: int) -> str:
    return f"{size:020}"  # as many digits for every size, so that texts compare like numbers
