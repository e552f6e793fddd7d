"""What a check of a bundle answers: separate findings, never one verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Answer: TypeAlias = Literal["yes", "no", "not shown"]

FINDINGS = (
    "integrity",
    "logged",
    "witnessed",
    "path_complete",
    "path_signed",
    "duties_separated",
    "create_job_signed_by_person",
    "evidence_complete",
    "corrected",
)
"""Names of the findings, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer, with its reason in a sentence for people."""

    name: str
    answer: Answer
    reason: str


def finding(name: str, *, wrong: Sequence[str], missing: Sequence[str], right: str) -> Finding:
    """`no` when anything is wrong, else `not shown` when anything is missing, else `yes`."""
    if wrong:
        return Finding(name, "no", "; ".join(dict.fromkeys(wrong)))
    if missing:
        return Finding(name, "not shown", "; ".join(dict.fromkeys(missing)))
    return Finding(name, "yes", right)


@dataclass(frozen=True, slots=True)
class Report:
    """All findings over one bundle. `subject` tells which Record and checkpoint they are about."""

    findings: tuple[Finding, ...]
    subject: dict[str, str | int]

    def __getitem__(self, name: str) -> Finding:
        """The finding of that name."""
        return next(found for found in self.findings if found.name == name)

    def failures(self, required: Sequence[str] = ()) -> tuple[Finding, ...]:
        """What keeps the report from being accepted: every `no`, and what of `required` is not shown."""
        return tuple(
            found
            for found in self.findings
            if found.answer == "no" or (found.answer == "not shown" and found.name in required)
        )
