"""Consumer groups as an administrator sees and sets them."""

from confluent_kafka import Consumer, KafkaException, TopicPartition
from truth_contracts.topics import TOPICS
from truth_local.demo.upstream import settings
from truth_local.system import System
from truth_topology.connection import Login

_REQUEST_SECONDS = 10


def rewind(system: System, service: str) -> bool | None:
    """Set a service's group back to the beginning; None while the broker still counts members in it."""
    return _set(system, service, to_the_end=False)


def to_end(system: System, service: str) -> bool | None:
    """Set a service's group to the present end; None while the broker still counts members in it."""
    return _set(system, service, to_the_end=True)


def is_caught_up(system: System, service: str) -> bool | None:
    """True once a group has committed the end of everything that it reads, else None."""
    consumer = _consumer(system, service)
    try:
        committed = consumer.committed(_places(consumer, service), timeout=_REQUEST_SECONDS)
        for place in committed:
            begin, end = consumer.get_watermark_offsets(place, timeout=_REQUEST_SECONDS)
            if max(place.offset, begin) < end:  # negative where nothing was committed yet
                return None
    finally:
        consumer.close()
    return True


def _set(system: System, service: str, *, to_the_end: bool) -> bool | None:
    consumer = _consumer(system, service)
    try:
        places = _places(consumer, service)
        for place in places:
            low, high = consumer.get_watermark_offsets(place, timeout=_REQUEST_SECONDS)
            place.offset = high if to_the_end else low
        consumer.commit(offsets=places, asynchronous=False)
    except KafkaException:
        return None
    finally:
        consumer.close()
    return True


def _consumer(system: System, group: str) -> Consumer:
    login = Login(system.bootstrap, "admin", system.principals["admin"].password)
    return Consumer(settings(login) | {"group.id": group, "enable.auto.commit": False})


def _places(consumer: Consumer, service: str) -> list[TopicPartition]:
    found = consumer.list_topics(timeout=_REQUEST_SECONDS).topics
    read = [topic.name for topic in TOPICS if service in topic.readers and topic.cleanup == "delete"]
    return [TopicPartition(topic, partition) for topic in read for partition in found[topic].partitions]
