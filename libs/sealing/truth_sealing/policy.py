"""Whom a verifier trusts (C2SP tlog-policy): logs, witnesses, and how many of them must have cosigned."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from truth_sealing.cosignature import CosignatureKey
from truth_sealing.keys import KeyFormatError, VerifyKey

POLICY_BYTES_MAX = 64 * 1024
GROUPS_MAX = 64
NO_QUORUM = "none"
_CONTROL = re.compile(rb"[^\x09\x0a\x20-\x7e\x80-\xff]")
_BLANKS = re.compile(r"[ \t]+")
_DECIMAL = re.compile(r"[1-9][0-9]{0,5}")


class PolicyError(ValueError):
    """The policy cannot be used; the message names the line."""


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as having witnessed when `threshold` of its members have: witnesses or other groups."""

    threshold: int
    members: tuple[str, ...]


@dataclass(slots=True)
class Policy:
    """A policy file as read."""

    logs: list[VerifyKey] = field(default_factory=list[VerifyKey])
    witnesses: dict[str, CosignatureKey] = field(default_factory=dict[str, CosignatureKey])
    groups: dict[str, Group] = field(default_factory=dict[str, Group])
    quorum: str = ""

    def is_met(self, cosigners: AbstractSet[str]) -> bool:
        """Whether witnesses with these vkeys are enough; always, when the policy asks for none."""
        return self.quorum == NO_QUORUM or self._has_witnessed(self.quorum, cosigners)

    def _has_witnessed(self, name: str, cosigners: AbstractSet[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return self.witnesses[name].vkey in cosigners
        return sum(self._has_witnessed(member, cosigners) for member in group.members) >= group.threshold


def parse_policy(octets: bytes) -> Policy:
    """Read a policy file of at most POLICY_BYTES_MAX; raises PolicyError.

    Names are compared as octets. Signature types read are 0x01 for logs and 0x04 for witnesses.
    """
    if len(octets) > POLICY_BYTES_MAX or _CONTROL.search(octets):
        raise PolicyError("too long, or a control character other than tab and newline")
    reader = _Reader()
    for number, line in enumerate(octets.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = [word for word in _BLANKS.split(line) if word]
        if words and not words[0].startswith("#"):
            try:
                reader.read(words)
            except (KeyFormatError, PolicyError, UnicodeEncodeError) as error:
                raise PolicyError(f"line {number}: {error}") from error
    if not reader.policy.quorum:
        raise PolicyError("no quorum line")
    return reader.policy


class _Reader:
    """Reads line after line: a line may only name what stands before it."""

    def __init__(self) -> None:
        self.policy = Policy()
        self._members: set[str] = set()

    def read(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._log(VerifyKey.parse(vkey))
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self._witness(name, CosignatureKey.parse(vkey))
            case ["group", name, threshold, *members]:
                self._group(name, threshold, members)
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise PolicyError(f"not a log, witness, group or quorum line: {words[0]}")

    def _log(self, key: VerifyKey) -> None:
        if any(key.public == log.public for log in self.policy.logs):
            raise PolicyError("two logs have the same key")
        self.policy.logs.append(key)

    def _witness(self, name: str, key: CosignatureKey) -> None:
        self._check_new(name)
        if any(key.public == witness.public for witness in self.policy.witnesses.values()):
            raise PolicyError("two witnesses have the same key")
        self.policy.witnesses[name] = key

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        self._check_new(name)
        for member in members:
            self._check_defined(member)
            if member in self._members:
                raise PolicyError(f"{member} is already in a group")
            self._members.add(member)
        if len(self.policy.groups) == GROUPS_MAX:
            raise PolicyError(f"more than {GROUPS_MAX} groups")
        counts = {"all": len(members), "any": 1}
        count = int(threshold) if _DECIMAL.fullmatch(threshold) else counts.get(threshold, 0)
        if not 1 <= count <= len(members):
            raise PolicyError(f"{threshold} of {len(members)} members cannot be met")
        self.policy.groups[name] = Group(count, tuple(members))

    def _quorum(self, name: str) -> None:
        if self.policy.quorum:
            raise PolicyError("two quorum lines")
        if name != NO_QUORUM:
            self._check_defined(name)
        self.policy.quorum = name

    def _check_new(self, name: str) -> None:
        if name == NO_QUORUM or name in self.policy.witnesses or name in self.policy.groups:
            raise PolicyError(f"the name {name} is taken")

    def _check_defined(self, name: str) -> None:
        if name not in self.policy.witnesses and name not in self.policy.groups:
            raise PolicyError(f"{name} is not defined above")
