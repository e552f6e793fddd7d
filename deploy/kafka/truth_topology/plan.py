"""What lies between a broker and the contracts. Pure."""

from dataclasses import dataclass

from truth_topology.topology import Grant, Topology


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a topic that differs."""

    topic: str
    name: str
    is_now: str
    should_be: str

    def __str__(self) -> str:
        return f"{self.topic} {self.name}: {self.is_now} → {self.should_be}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `apply` would do, and what it never does by itself."""

    topics: tuple[str, ...]
    settings: tuple[Setting, ...]
    grants: tuple[Grant, ...]
    users: tuple[str, ...]
    partitions_differ: tuple[str, ...]
    foreign_topics: tuple[str, ...]
    foreign_grants: tuple[Grant, ...]

    @property
    def has_changes(self) -> bool:
        """Whether `apply` has anything to do."""
        return bool(self.topics or self.settings or self.grants or self.users)

    @property
    def refused(self) -> tuple[str, ...]:
        """Why not to use this broker as it is: somebody may write who should not, or order would break."""
        writers = tuple(f"beyond the contracts: {grant}" for grant in self.foreign_grants if grant.may_change)
        return (*writers, *self.partitions_differ)

    @property
    def loses(self) -> tuple[Setting, ...]:
        """Settings whose change would throw messages away."""
        return tuple(setting for setting in self.settings if _loses(setting))


def compare(observed: Topology, wanted: Topology) -> Plan:
    """The way from what a broker holds to what the contracts want."""
    shared = sorted(wanted.topics.keys() & observed.topics.keys())
    settings = tuple(
        Setting(topic, name, observed.topics[topic].config.get(name, ""), value)
        for topic in shared
        for name, value in sorted(wanted.topics[topic].config.items())
        if observed.topics[topic].config.get(name) != value
    )
    partitions = tuple(
        f"{topic} has {observed.topics[topic].partitions} partitions, not {wanted.topics[topic].partitions}"
        for topic in shared
        if observed.topics[topic].partitions != wanted.topics[topic].partitions
    )
    return Plan(
        topics=tuple(sorted(wanted.topics.keys() - observed.topics.keys())),
        settings=settings,
        grants=tuple(sorted(wanted.grants - observed.grants)),
        users=tuple(sorted(wanted.users - observed.users)),
        partitions_differ=partitions,
        foreign_topics=tuple(sorted(observed.topics.keys() - wanted.topics.keys())),
        foreign_grants=tuple(sorted(observed.grants - wanted.grants)),
    )


def _loses(setting: Setting) -> bool:
    if setting.name == "cleanup.policy":
        return setting.should_be != setting.is_now
    if setting.name != "retention.ms":
        return False
    for_ever = float("inf")
    kept, wanted = (
        float(value) if float(value) >= 0 else for_ever
        for value in (setting.is_now or "-1", setting.should_be)
    )
    return wanted < kept
