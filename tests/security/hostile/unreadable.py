"""A process that writes messages whose headers' names are not UTF-8: our own clients cannot.

Reads its orders from standard input as JSON; says where each message lies. With AIOKAFKA_NO_EXTENSIONS set,
since the compiled half of aiokafka would not take such a name.
"""

# aiokafka has no type hints:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import json
import sys
from typing import Any

from aiokafka import AIOKafkaProducer


class NoUtf8(str):
    """A text that encodes to what is no UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "", errors: str = "") -> bytes:
        """Two bytes that no text has."""
        del encoding, errors
        return b"\xff\xfe"


async def main(orders: dict[str, Any]) -> None:
    """One message to each of the topics that are named, as often as they are named."""
    places: list[list[Any]] = []
    for options, topics in orders["producers"]:
        async with AIOKafkaProducer(**options) as producer:
            for topic in topics:
                sent = await producer.send_and_wait(topic, b"{}", headers=[(NoUtf8("name"), b"value")])
                places.append([sent.topic, sent.partition, sent.offset])
    sys.stdout.write(json.dumps(places))


if __name__ == "__main__":
    asyncio.run(main(json.load(sys.stdin)))
