"""Checkers of what travelled: C4 order, C6 no ghosts, C7 dead letters, C8 nothing passed over.

Each is a pure function of a history and of what a storm left; it returns its violations, none if all is well.
"""

from collections import Counter
from collections.abc import Iterator

from truth_contracts.topics import SERVICES, TOPICS, dead_letters

from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.history import Told
from tests.faults.chaos.promises import poison_keys

_COMPACTED = {topic.name for topic in TOPICS if topic.cleanup == "compact"}
_OURS = {topic.name for topic in TOPICS if topic.owner in SERVICES}
_READERS = {
    topic.name: [service for service in SERVICES if service in topic.readers and topic.cleanup == "delete"]
    for topic in TOPICS
}


def in_order(_: Told, evidence: Evidence) -> list[str]:
    """C4: for each topic and key the first appearances in the log are what was committed, in its order.

    So the relay lost nothing, invented no order, and kept each key on one partition.
    """
    written: dict[tuple[str, str | None], list[str]] = {}
    for entries in evidence.ledger.values():
        for entry in sorted(entries, key=lambda entry: entry.id):
            if entry.topic not in _COMPACTED:
                written.setdefault((entry.topic, entry.key), []).append(entry.event_id)
    seen: dict[tuple[str, str | None], dict[str, None]] = {place: {} for place in written}
    places: dict[tuple[str, str | None], set[int]] = {}
    for message in sorted(evidence.log, key=lambda message: message.place):
        of = (message.topic, message.key)
        if message.key is not None and message.topic in _OURS:
            places.setdefault(of, set()).add(message.partition)
        if of in written and message.event_id in written[of]:
            seen[of].setdefault(message.event_id)
    return [
        *(
            f"{topic} {key}: committed {written[topic, key]}, appeared {[*seen[topic, key]]}"
            for topic, key in written
            if key is not None and written[topic, key] != [*seen[topic, key]]
        ),
        *(
            f"{topic}: {missing} never appeared"
            for (topic, key), ids in written.items()
            if key is None and (missing := set(ids) - set(seen[topic, key]))
        ),
        *(f"{of} lies on partitions {sorted(on)}" for of, on in places.items() if len(on) > 1),
    ]


def no_ghosts(told: Told, evidence: Evidence) -> list[str]:
    """C6: every message was committed to an outbox, or the storm published it; and all its copies are alike."""
    committed = {(entry.topic, entry.event_id) for entries in evidence.ledger.values() for entry in entries}
    sent = {(op.path, op.asked.get("key")) for op in told.ops if op.door == "kafka"}
    poison = poison_keys(told)
    found = [
        f"nobody sent {message.event_id} at {message.place}"
        for message in evidence.log
        if (message.topic, message.event_id) not in committed
        and not (message.topic not in _OURS and (message.topic, message.key) in sent)
        and message.key not in poison
    ]
    digests: dict[tuple[str, str | None, str | None], set[str]] = {}
    for message in evidence.log:
        if message.key not in poison and message.event_id is not None:
            of = (message.topic, message.source, message.event_id)
            digests.setdefault(of, set()).add(message.sha256)
    return [*found, *(f"{of} has different contents" for of, found in digests.items() if len(found) > 1)]


def dead_is_what_was_poison(told: Told, evidence: Evidence) -> list[str]:
    """C7: each piece of poison is a dead letter of each of its readers, once, told once; nothing else is."""
    poison = poison_keys(told)
    lying = [message for message in evidence.log if message.key in poison]
    expected = {(service, message.place) for message in lying for service in _READERS.get(message.topic, [])}
    dead = [
        (service, (topic, partition, offset))
        for service, letters in evidence.dead.items()
        for topic, partition, offset, _ in letters
    ]
    arrived = {message.key for message in lying}
    return [
        *(f"{service} refused what was no poison: {place}" for service, place in set(dead) - expected),
        *(f"{service} did not refuse the poison at {place}" for service, place in expected - set(dead)),
        *(f"{of} is dead {count} times" for of, count in Counter(dead).items() if count > 1),
        *(
            f"the poison {op.asked['key']} was acknowledged and is not in the log"
            for op in told.ops
            if op.asked.get("purpose") == "poison" and op.door == "kafka"
            if op.outcome == "ok" and op.asked["key"] not in arrived
        ),
        *_untold(evidence),
    ]


def nothing_passed_over(_: Told, evidence: Evidence) -> list[str]:
    """C8: no committed offset passes a message that is neither acted on nor a dead letter; and all is read."""
    return [problem for service in SERVICES for problem in _passed_over(service, evidence)]


def _untold(evidence: Evidence) -> Iterator[str]:
    for service, letters in evidence.dead.items():
        at_the_door = sum(topic == "requests.submitted" for topic, _, _, _ in letters)
        counted = Counter(entry.topic for entry in evidence.ledger.get(service, []))
        own = dead_letters(service).name
        for topic, wanted in ((own, len(letters) - at_the_door), ("requests.refused", at_the_door)):
            if counted[topic] != wanted:
                yield f"{service} told of {counted[topic]} of {wanted} dead letters on {topic}"


def _passed_over(service: str, evidence: Evidence) -> Iterator[str]:
    acted_on = set(evidence.inbox.get(service, []))
    dead = {(topic, partition, offset) for topic, partition, offset, _ in evidence.dead.get(service, [])}
    committed = {
        (topic, partition): offset for topic, partition, offset in evidence.committed.get(service, [])
    }
    for message in evidence.log:
        if service not in _READERS.get(message.topic, []):
            continue
        is_committed = message.offset < committed.get((message.topic, message.partition), 0)
        is_decided = (message.source, message.event_id) in acted_on or message.place in dead
        if is_committed and not is_decided:
            yield f"{service} passed over {message.event_id} at {message.place}"
        if not is_committed:
            yield f"{service} has not come to {message.place}"
