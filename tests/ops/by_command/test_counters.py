"""`make ops PART=counters`: 1,000 requests, and every counter agrees with the databases and with Kafka's log."""

import time

from truth_local.system import System

from tests.ops.counting import counted

REQUESTS = 1_000


def test_every_counter_agrees_after_a_thousand_requests(system: System) -> None:
    began = time.monotonic()
    grown, disagreements = counted(system, REQUESTS)
    seconds, messages = time.monotonic() - began, sum(grown.log.values())
    print(f"{REQUESTS:,} requests, {messages:,} messages, counted in {seconds:.0f} s")  # noqa: T201 the figures are what it is for
    assert disagreements == []
    assert grown.tables["step", "request"] == grown.tables["step", "record"] == REQUESTS
    assert grown.tables["step", "signal"] == REQUESTS // 2
