"""What is asked of a broker and told to it: the one module with confluent-kafka's administration calls."""

# confluent-kafka's stubs neither export the names of its admin package nor say what its futures hold.
# pyright: reportPrivateImportUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from enum import Enum
from typing import cast

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialsDescription,
    UserScramCredentialUpsertion,
)

from truth_topology.connection import REQUEST_SECONDS
from truth_topology.plan import Setting
from truth_topology.topology import Grant, Size, TopicState, Topology

_INTERNAL = "__"
_SCRAM_ITERATIONS = 4096  # the least that Kafka takes: passwords here are random and long


def observe(client: AdminClient, settings: Iterable[str]) -> Topology:
    """What the broker holds now, with these settings of each topic. Raises BrokerError when it is away."""
    metadata = client.list_topics(timeout=REQUEST_SECONDS).topics
    names = sorted(name for name in metadata if not name.startswith(_INTERNAL))
    configs = _configs(client, names, frozenset(settings))
    topics = {name: TopicState(len(metadata[name].partitions), configs[name]) for name in names}
    return Topology(topics, _grants(client), _users(client))


def create_topics(broker: AdminClient, names: tuple[str, ...], wanted: Topology, size: Size) -> None:
    """Create topics as `wanted` describes them. Raises BrokerError at the first that fails."""
    if names:
        new = [
            NewTopic(
                name,
                wanted.topics[name].partitions,
                size.replication,
                config=dict(wanted.topics[name].config),
            )
            for name in names
        ]
        for future in broker.create_topics(new).values():
            _result(future)


def alter_settings(broker: AdminClient, settings: tuple[Setting, ...]) -> None:
    """Change single settings of topics, and leave the others as they are."""
    entries: dict[str, list[ConfigEntry]] = {}
    for setting in settings:
        entry = ConfigEntry(setting.name, setting.should_be, incremental_operation=AlterConfigOpType.SET)
        entries.setdefault(setting.topic, []).append(entry)
    if entries:
        changes = [
            ConfigResource(ResourceType.TOPIC, name, incremental_configs=of) for name, of in entries.items()
        ]
        for future in broker.incremental_alter_configs(changes).values():
            _result(future)


def create_grants(broker: AdminClient, grants: tuple[Grant, ...]) -> None:
    """Create ACLs; one that exists already is fine."""
    if grants:
        for future in broker.create_acls([_binding(grant) for grant in grants]).values():
            _result(future)


def delete_grants(broker: AdminClient, grants: tuple[Grant, ...]) -> None:
    """Take ACLs away. `apply` never does; this is for whoever decided that one is wrong."""
    if grants:
        for future in broker.delete_acls([_filter(grant) for grant in grants]).values():
            _result(future)


def set_passwords(broker: AdminClient, passwords: Mapping[str, str]) -> None:
    """Make SCRAM-SHA-512 users, or set the passwords of those who exist."""
    if passwords:
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _SCRAM_ITERATIONS)
        changes = [
            UserScramCredentialUpsertion(user, info, word.encode()) for user, word in passwords.items()
        ]
        for future in broker.alter_user_scram_credentials(list(changes)).values():
            _result(future)


def _result(future: object) -> object:
    """What an administration call came to; raises BrokerError when it failed."""
    return cast("Future[object]", future).result(REQUEST_SECONDS)


def _configs(client: AdminClient, names: list[str], settings: frozenset[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    asked = client.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    found: dict[str, dict[str, str]] = {}
    for resource, future in asked.items():
        entries = cast("dict[str, ConfigEntry]", _result(future))
        found[resource.name] = {name: str(entry.value) for name, entry in entries.items() if name in settings}
    return found


def _grants(client: AdminClient) -> frozenset[Grant]:
    everything = AclBindingFilter(
        ResourceType.ANY,
        None,  # pyright: ignore[reportArgumentType] the stub forgets that a filter may leave this open
        ResourcePatternType.ANY,
        None,  # pyright: ignore[reportArgumentType] the same
        None,  # pyright: ignore[reportArgumentType] the same
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    return frozenset(
        _grant(binding) for binding in cast("list[AclBinding]", _result(client.describe_acls(everything)))
    )


def _grant(binding: AclBinding) -> Grant:
    return Grant(
        principal=binding.principal.removeprefix("User:"),
        operation=_word(binding.operation),
        resource=_word(binding.restype),
        name=binding.name,
        pattern=_word(binding.resource_pattern_type),
        permission=_word(binding.permission_type),
        host=binding.host,
    )


def _word(value: object) -> str:
    return cast("Enum", value).name  # the library turns every spelling into its enum


def _users(client: AdminClient) -> frozenset[str]:
    described = cast(
        "dict[str, UserScramCredentialsDescription]", _result(client.describe_user_scram_credentials())
    )
    return frozenset(described)


def _binding(grant: Grant) -> AclBinding:
    return AclBinding(*_words(grant))


def _filter(grant: Grant) -> AclBindingFilter:
    return AclBindingFilter(*_words(grant))


def _words(
    grant: Grant,
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    return (
        ResourceType[grant.resource],
        grant.name,
        ResourcePatternType[grant.pattern],
        f"User:{grant.principal}",
        grant.host,
        AclOperation[grant.operation],
        AclPermissionType[grant.permission],
    )
