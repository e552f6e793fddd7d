"""How a dead letter is told on `<service>.dead-letters`: the message as it came, and why it was refused."""

from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from truth_contracts.base import instant_text
from truth_contracts.envelope import Message
from truth_contracts.topics import dead_letters

from truth_kit.dead_letters.letters import DeadLetter
from truth_kit.outbox import message_bytes

_KEY_BYTES_MAX = 1024


def told(letter: DeadLetter, service: str, now: datetime) -> Message:
    """The original key, value and headers with `dl_topic`, `dl_partition`, `dl_offset`, `dl_reason`, … added.

    What the topic cannot take is left out, and `dl_omitted` says how many bytes: first the value, then the
    sender's headers and a long key. The row in the database has them all. Key and value are never both
    absent: aiokafka's producer takes no such message, and the relay would stop at it for ever.
    """
    topic, message = dead_letters(service), letter.message
    why, nothing = _why(letter, service, now), b"" if message.key is None else None
    value = message.value
    if message.key is None and value is None:
        value, why = nothing, (*why, ("dl_tombstone", b"true"))
    whole = Message(topic.name, message.key, value, message.headers + why)
    if message_bytes(whole) <= topic.bytes_max:
        return whole
    omitted = (*why, ("dl_omitted", str(message_bytes(message)).encode()))
    without_value = Message(topic.name, message.key, nothing, message.headers + omitted)
    if message_bytes(without_value) <= topic.bytes_max:
        return without_value
    return Message(topic.name, (message.key or b"")[:_KEY_BYTES_MAX], None, omitted)


def _why(letter: DeadLetter, service: str, now: datetime) -> tuple[tuple[str, bytes], ...]:
    place = letter.coordinates
    headers = {
        "dl_topic": place.topic,
        "dl_partition": str(place.partition),
        "dl_offset": str(place.offset),
        "dl_reason": letter.refusal.code,
        "dl_detail": letter.refusal.detail[:2000],
        "dl_service": service,
        "dl_version": _version_of(service),
        "dl_at": instant_text(now),
    }
    return tuple((name, value.encode()) for name, value in headers.items())


@cache
def _version_of(service: str) -> str:
    try:
        return version(f"truth-{service}")
    except PackageNotFoundError:
        return "unknown"
