"""Golden samples: messages as each contract's version writes them, and edges that every reader must take.

A sample is one JSON file: `{"topic", "key", "headers", "value", "sha256"}`. The message's bytes are `value`
as compact JSON (`octets`), and `sha256` is over them. A step's body has no message of its own; then `topic`
is null.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as it lies in a topic, or a step's body alone (then without topic, key and headers)."""

    topic: str | None
    key: str | None
    headers: Mapping[str, str]
    value: Any

    @property
    def octets(self) -> bytes:
        """The message's value, byte for byte."""
        return json.dumps(self.value, separators=(",", ":"), ensure_ascii=False).encode()

    def text(self) -> str:
        """The sample as its file holds it."""
        told = {
            "topic": self.topic,
            "key": self.key,
            "headers": dict(self.headers),
            "sha256": hashlib.sha256(self.octets).hexdigest(),
            "value": self.value,
        }
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def read_sample(file: Path) -> Sample:
    """The sample in a file. Raises ValueError when its bytes are not those that it was released with."""
    told = json.loads(file.read_text())
    sample = Sample(told["topic"], told["key"], told["headers"], told["value"])
    if hashlib.sha256(sample.octets).hexdigest() != told["sha256"]:
        raise ValueError(f"{file} is not what it was: its digest differs")
    return sample
