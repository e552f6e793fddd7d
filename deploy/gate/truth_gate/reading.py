"""Run by the Python of a released package's own environment: reads messages with that package's code.

One message a line comes in: `{"topic", "type", "key", "headers", "value"}`, the value as text. One answer a
line goes out: null when it is read, else why not. Imports nothing but the contracts.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from truth_contracts.base import read
from truth_contracts.envelope import Coordinates, Message, NeedsUpgradeError, from_kafka, type_of
from truth_contracts.refusals import Refusal
from truth_contracts.topics import TOPICS

_TOPICS = {topic.name: topic for topic in TOPICS}
_CARRIED = {type_of(kind): kind for topic in TOPICS for kind in topic.carries}


def refusal_of(told: dict[str, Any]) -> str | None:
    """Why this code does not read a message; None when it does."""
    octets = told["value"].encode()
    try:
        if told["topic"] is None:
            read(_CARRIED[told["type"]], octets)
            return None
        headers = tuple((name, value.encode()) for name, value in told["headers"].items())
        message = Message(told["topic"], told["key"].encode() if told["key"] else None, octets, headers)
        place = Coordinates(told["topic"], 0, 1)
        found = from_kafka(_TOPICS[told["topic"]], message, place, datetime.now(UTC))
    except (KeyError, NeedsUpgradeError, ValidationError) as error:
        return f"{type(error).__name__}: {error}"
    return f"{found.code}: {found.detail}" if isinstance(found, Refusal) else None


def main() -> None:
    """Answer every line."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(refusal_of(json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
