"""What the services count is what their databases hold and what lies in Kafka's log. A thousand: `make ops`.

In a system of its own, so that it is at rest before and after.
"""

from truth_local.system import System

from tests.ops.counting import counted

REQUESTS = 30


def test_counters_agree_with_the_databases_and_with_the_log(own_system: System) -> None:
    grown, disagreements = counted(own_system, REQUESTS)
    assert disagreements == []
    assert grown.tables["step", "request"] == grown.tables["step", "record"] == REQUESTS
    assert grown.tables["step", "signal"] == REQUESTS // 2
    assert grown.counters["intake", "truth_inbox_duplicates_total", ""] == 2
    assert grown.counters["intake", "truth_dead_letters_total", "surface_unknown"] == 3
