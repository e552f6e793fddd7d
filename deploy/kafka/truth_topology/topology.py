"""What a broker should hold, and what it holds: topics, rights and users, in one comparable form."""

from collections.abc import Mapping
from dataclasses import dataclass

from truth_contracts.topics import PARTITIONS, SERVICES, TOPICS, Topic, rights

_MESSAGE_BYTES_MAX = (
    1024 * 1024
)  # above every contract's own limit, so that the limit with a reason refuses first


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One ACL of a broker, with the words that confluent-kafka uses for its parts."""

    principal: str  # without "User:"
    operation: str
    resource: str
    name: str
    pattern: str = "LITERAL"
    permission: str = "ALLOW"
    host: str = "*"

    @property
    def may_change(self) -> bool:
        """Whether it lets somebody do more than look."""
        return self.permission == "ALLOW" and self.operation not in {"READ", "DESCRIBE", "DESCRIBE_CONFIGS"}

    def __str__(self) -> str:
        resource = f"{self.resource} {self.name} ({self.pattern})"
        return f"{self.permission} {self.principal} {self.operation} {resource}"


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as a broker keeps it. `config` holds the settings that the contracts decide on."""

    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Topology:
    """Topics by name, ACLs, and the users who can log in."""

    topics: Mapping[str, TopicState]
    grants: frozenset[Grant]
    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class Size:
    """How large and how redundant a deployment's topics are, and which outsiders it lets in."""

    partitions: int = PARTITIONS
    replication: int = 3
    in_sync_min: int = 2
    upstreams: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()


LOCAL = Size(partitions=4, replication=1, in_sync_min=1, upstreams=("acme",), partners=("demo",))
"""The local system: one broker, one upstream, one partner."""


def desired(size: Size) -> Topology:
    """The topology that the contracts ask for, in a deployment of this size."""
    granted = frozenset(
        Grant(right.principal, right.operation, right.resource.upper(), right.name)
        for right in rights(size.upstreams, size.partners)
    )
    topics = {topic.name: TopicState(size.partitions, _config(topic, size)) for topic in TOPICS}
    return Topology(topics, granted, frozenset(principals(size)))


def principals(size: Size) -> tuple[str, ...]:
    """Everybody who logs in, the broker and its administrator excepted."""
    upstreams = (f"upstream-{name}" for name in size.upstreams)
    partners = (f"partner-{name}" for name in size.partners)
    return (*SERVICES, *upstreams, *partners, "console")


def _config(topic: Topic, size: Size) -> dict[str, str]:
    return {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(_MESSAGE_BYTES_MAX),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(size.in_sync_min),
        "unclean.leader.election.enable": "false",
    }
