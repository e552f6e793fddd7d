"""How long one message takes from `intakes.accepted` to `tasks.changed`, ours beside the bare loop."""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict
from typing import cast

from confluent_kafka import Consumer, Producer, TopicPartition
from truth_local.demo.acting import wait_for
from truth_local.demo.upstream import settings
from truth_local.system import System
from truth_topology.connection import Login

from tests.bench import intakes
from tests.bench.hop import ROOT, empty, order
from tests.bench.loop import Trial
from tests.bench.rows import Row, paired, quantile
from tests.faults.groups import to_end

_WARM = 40
_IDLE_SECONDS = 15.0


def measure(system: System, per_second: int, messages: int, rounds: int) -> list[Row]:
    """p50 and p99 in milliseconds, at `per_second`, in paired rounds."""
    pairs = [
        (_run(system, "ours", per_second, messages), _run(system, "bare", per_second, messages))
        for _ in range(rounds)
    ]
    return [
        paired(
            f"hop latency at {per_second}/s: {name}",
            [(quantile(ours, share), quantile(floor, share)) for ours, floor in pairs],
            "ms",
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


def _run(system: System, loop: str, per_second: int, messages: int) -> list[float]:
    """Latencies of one loop in a process of its own, its first messages left out."""
    asyncio.run(empty(system))
    wait_for(lambda: to_end(system, "governance"), "group set to the end", 60)
    told = json.dumps(asdict(order(system, Trial(messages + _WARM, 500, checks=True))))
    process = subprocess.Popen(  # noqa: S603 our own module
        [sys.executable, "-m", f"tests.bench.{loop}", told],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        return _exchange(system, per_second, messages)
    finally:
        process.kill()
        process.communicate()


def _exchange(system: System, per_second: int, messages: int) -> list[float]:
    prepared = intakes.intake_messages(system, messages + _WARM)
    admin = Login(system.bootstrap, "admin", system.principals["admin"].password)
    consumer = Consumer(
        settings(admin) | {"group.id": "unused", "enable.auto.commit": False, "fetch.wait.max.ms": 5}
    )
    partitions = consumer.list_topics("tasks.changed", timeout=10).topics["tasks.changed"].partitions
    ends = [
        TopicPartition(
            "tasks.changed",
            p,
            consumer.get_watermark_offsets(TopicPartition("tasks.changed", p), timeout=10)[1],
        )
        for p in partitions
    ]
    consumer.assign(ends)
    intake = Login(system.bootstrap, "intake", system.principals["intake"].password)
    producer = Producer(settings(intake) | {"linger.ms": 0, "acks": "all"})
    sent: dict[bytes, float] = {}
    latencies: list[float] = []
    # The first one waits until the loop has joined its group.
    for position, message in enumerate(prepared):
        due = time.perf_counter() + 1 / per_second
        sent[cast(bytes, message.key)] = time.perf_counter()
        producer.produce(message.topic, message.value, message.key, headers=list(message.headers))
        producer.poll(0)
        _collect(consumer, sent, latencies, due if position else time.perf_counter() + 60, first=not position)
    _collect(consumer, sent, latencies, time.perf_counter() + _IDLE_SECONDS, first=False, until_empty=True)
    consumer.close()
    if sent:
        raise TimeoutError(f"{len(sent)} messages never came through")
    return latencies[_WARM:]


def _collect(
    consumer: Consumer,
    sent: dict[bytes, float],
    latencies: list[float],
    until: float,
    *,
    first: bool,
    until_empty: bool = False,
) -> None:
    while (left := until - time.perf_counter()) > 0:
        message = consumer.poll(min(left, 0.005))
        key = None if message is None else message.key()
        started = sent.pop(key, None) if isinstance(key, bytes) else None
        if started is not None:
            latencies.append((time.perf_counter() - started) * 1e3)
        if (first and latencies) or (until_empty and not sent):
            return
