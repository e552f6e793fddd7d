"""Topics in memory, and the groups that read them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias
from zlib import crc32

from truth_contracts.envelope import Coordinates, Message

PARTITIONS = 2

Partition: TypeAlias = tuple[str, int]


@dataclass(slots=True)
class Log:
    """What was appended, for ever."""

    partitions: dict[Partition, list[Message]] = field(default_factory=dict[Partition, list[Message]])
    seen: dict[int, Message] = field(default_factory=dict[int, Message])
    """Messages by identity: a second appearance is a repeat."""
    count: int = 0

    def append(self, message: Message) -> Coordinates:
        """At the end of its key's partition."""
        number = crc32(message.key or b"") % PARTITIONS
        messages = self.partitions.setdefault((message.topic, number), [])
        messages.append(message)
        self.seen[id(message)] = message
        self.count += 1
        return Coordinates(message.topic, number, len(messages) - 1)

    def end(self, partition: Partition) -> int:
        """The offset of the next message."""
        return len(self.partitions.get(partition, ()))


@dataclass(slots=True)
class Group:
    """A service's consumer group: who reads what, and up to where all is decided."""

    topics: Sequence[str]
    log: Log
    committed: dict[Partition, int] = field(default_factory=dict[Partition, int])
    owners: dict[Partition, object] = field(default_factory=dict[Partition, object])
    generation: int = 0

    @property
    def partitions(self) -> list[Partition]:
        """All of its topics."""
        return [(topic, number) for topic in self.topics for number in range(PARTITIONS)]

    def assign(self, members: Sequence[object], die: Random) -> None:
        """A rebalance, whatever the members are doing: one that is busy becomes a zombie."""
        self.generation += 1
        self.owners = {partition: die.choice(members) for partition in self.partitions}

    def owned(self, member: object) -> list[Partition]:
        """What a member reads now."""
        return [partition for partition in self.partitions if self.owners.get(partition) is member]

    def rewind(self) -> None:
        """Back to the beginning: everything is consumed again."""
        self.generation += 1
        self.committed = {}
