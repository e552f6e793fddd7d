"""What each Kafka principal may do, found out by trying it at the broker.

Every attempt is one that the broker judges first and that changes nothing when it is allowed: a record larger
than any topic takes, records deleted up to offset 0, offsets committed for a topic that does not exist,
everything else with `validate_only` or about names that nobody has.
"""

# confluent-kafka's stubs neither export the names of its admin package nor say what its futures hold.
# pyright: reportPrivateImportUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
)
from truth_contracts.topics import TOPICS
from truth_local.demo.upstream import settings
from truth_local.system import System
from truth_topology.broker import create_grants, delete_grants
from truth_topology.connection import Login, connected
from truth_topology.topology import LOCAL, Grant, principals

from tests.security.table import table

PRINCIPALS = principals(LOCAL)
NAMES = tuple(topic.name for topic in TOPICS)
GROUPS = (*PRINCIPALS, "somebody-elses")

_SECONDS = 60.0
_OVERSIZE = 1_200_000  # above every topic's max.message.bytes
_NOWHERE = "no-such-topic"
_NOBODY = "no-such-principal"
_GRANT = Grant(_NOBODY, "DESCRIBE", "TOPIC", _NOWHERE)
_DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}

_quiet = logging.getLogger("tests.security.librdkafka")  # which would tell on standard error what was refused
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False

Found = dict[tuple[str, str], list[str]]


def kafka_rights(system: System) -> str:
    """Principals by topics, groups and the cluster, as text. Raises KafkaException when the broker is away."""
    topics, groups, cluster = Found(), Found(), Found()
    for principal in PRINCIPALS:
        login = Login(system.bootstrap, principal, system.principals[principal].password)
        admin = connected(login)
        for row, word in (*_topic_rights(login, admin),):
            topics.setdefault((row, principal), []).append(word)
        for row, word in _group_rights(admin):
            groups.setdefault((row, principal), []).append(word)
        for row in _cluster_rights(login, admin):
            cluster[row, principal] = ["yes"]
    _take_back(system)
    return "\n".join(
        (
            table("Topics", NAMES, PRINCIPALS, topics),
            table("Consumer groups", GROUPS, PRINCIPALS, groups),
            table("The cluster", tuple(_CLUSTER), PRINCIPALS, cluster),
        )
    )


def _take_back(system: System) -> None:
    """Whoever may give rights has given one."""
    admin = Login(system.bootstrap, "admin", system.principals["admin"].password)
    delete_grants(connected(admin), (_GRANT,))


def _is_let(error: KafkaError | None) -> bool:
    """Whether the broker let it pass, or refused it for another reason than a missing right."""
    if error is not None and error.code() < 0:  # of the client itself: nothing was found out
        raise KafkaException(error)
    return error is None or error.code() not in _DENIED


def _error_of(future: object) -> KafkaError | None:
    known: Future[Any] = future  # pyright: ignore[reportAssignmentType] the stubs say less
    try:
        known.result(_SECONDS)
    except FutureTimeoutError:
        raise TimeoutError("the broker did not answer") from None
    except KafkaException as error:
        return error.args[0]
    return None


def _let(futures: Mapping[Any, object], name_of: Callable[[Any], str]) -> Iterator[str]:
    for key, future in futures.items():
        if _is_let(_error_of(future)):
            yield name_of(key)


def _topic_rights(login: Login, admin: AdminClient) -> Iterator[tuple[str, str]]:
    yield from ((name, "read") for name in _readable(login))
    yield from ((name, "write") for name in _writable(login))
    deleted = admin.delete_records([TopicPartition(name, 0, 0) for name in NAMES])
    yield from ((name, "delete") for name in _let(deleted, lambda place: place.topic))
    entry = ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET)
    wanted = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry]) for name in NAMES]
    altered = admin.incremental_alter_configs(wanted, validate_only=True)
    yield from ((name, "configure") for name in _let(altered, lambda resource: resource.name))
    grown = admin.create_partitions([NewPartitions(name, 64) for name in NAMES], validate_only=True)
    yield from ((name, "extend") for name in _let(grown, str))


def _writable(login: Login) -> list[str]:
    """Topics for which the broker refuses the size of a record, and not the writer."""
    producer = Producer(settings(login) | {"message.max.bytes": 2 * _OVERSIZE, "message.timeout.ms": 60_000})
    errors: dict[str, KafkaError | None] = {}
    for name in NAMES:
        try:
            producer.produce(
                name,
                bytes(_OVERSIZE),
                b"key",
                on_delivery=lambda error, _message, name=name: errors.update({name: error}),
            )
        except KafkaException as error:  # known already from another answer of the broker
            errors[name] = error.args[0]
    if producer.flush(_SECONDS):
        raise TimeoutError("no answer from the broker to a record")
    assert all(error is not None for error in errors.values()), "a record of this size should fit no topic"
    return [name for name in NAMES if _is_let(errors[name])]


def _readable(login: Login) -> list[str]:
    """Topics of which the broker hands out records, or their end."""
    consumer = Consumer(
        settings(login)
        | {"group.id": login.username, "enable.auto.commit": False, "enable.partition.eof": True}
    )
    answers: dict[str, KafkaError | None] = {}
    deadline = time.monotonic() + _SECONDS
    try:
        seen = [name for name in NAMES if _is_let(consumer.list_topics(name, _SECONDS).topics[name].error)]
        consumer.assign([TopicPartition(name, 0, OFFSET_BEGINNING) for name in seen])
        while len(answers) < len(seen):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer about {set(seen) - answers.keys()}")
            message = consumer.poll(1)
            if (
                message is None or message.topic() is None
            ):  # None: about the group, which is not asked for here
                continue
            error = message.error()
            is_end = error is not None and error.code() == KafkaError._PARTITION_EOF
            answers[str(message.topic())] = None if is_end else error
    finally:
        consumer.close()
    return [name for name in seen if _is_let(answers[name])]


def _group_rights(admin: AdminClient) -> Iterator[tuple[str, str]]:
    nowhere = [TopicPartition(_NOWHERE, 0, 0)]
    for group in GROUPS:
        asked: Iterable[tuple[str, Mapping[Any, object]]] = (
            ("join", _committed(admin, ConsumerGroupTopicPartitions(group, nowhere))),
            ("look", admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])),
            ("delete", admin.delete_consumer_groups([group])),
        )
        for word, futures in asked:
            yield from ((group, word) for _ in _let(futures, str))


def _committed(admin: AdminClient, offsets: ConsumerGroupTopicPartitions) -> Mapping[Any, object]:
    """Whoever may look at a group and not join it is told so place by place, not at once."""
    (future,) = admin.alter_consumer_group_offsets([offsets]).values()
    error = _error_of(future)
    if error is None:
        places = cast("ConsumerGroupTopicPartitions", future.result()).topic_partitions or []
        error = next((place.error for place in places), None)
        if error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            error = None  # of the topic that does not exist: the group was let
    told: Future[None] = Future()
    told.set_exception(KafkaException(error)) if error else told.set_result(None)
    return {offsets.group_id: told}


def _create_topic(_: Login, admin: AdminClient) -> KafkaError | None:
    (future,) = admin.create_topics([NewTopic(_NOWHERE, 1, 1)], validate_only=True).values()
    return _error_of(future)


def _give_rights(_: Login, admin: AdminClient) -> KafkaError | None:
    return _refused(lambda: create_grants(admin, (_GRANT,)))


def _take_rights(_: Login, admin: AdminClient) -> KafkaError | None:
    return _refused(lambda: delete_grants(admin, (_GRANT,)))


def _set_passwords(_: Login, admin: AdminClient) -> KafkaError | None:
    gone = UserScramCredentialDeletion(_NOBODY, ScramMechanism.SCRAM_SHA_512)
    (future,) = admin.alter_user_scram_credentials([gone]).values()
    return _error_of(future)


def _write_in_transactions(login: Login, _: AdminClient) -> KafkaError | None:
    producer = Producer(settings(login) | {"transactional.id": login.username}, logger=_quiet)
    return _refused(lambda: producer.init_transactions(_SECONDS))


def _refused(attempt: Callable[[], None]) -> KafkaError | None:
    try:
        attempt()
    except KafkaException as error:
        return error.args[0]
    return None


_CLUSTER: dict[str, Callable[[Login, AdminClient], KafkaError | None]] = {
    "create a topic": _create_topic,
    "give rights": _give_rights,
    "take rights away": _take_rights,
    "set passwords": _set_passwords,
    "write in transactions": _write_in_transactions,
}


def _cluster_rights(login: Login, admin: AdminClient) -> Iterator[str]:
    yield from (row for row, attempt in _CLUSTER.items() if _is_let(attempt(login, admin)))
