"""`make ops PART=kafka`: Kafka is away, and ops sees the last snapshot with its time (surfaces.md E5)."""

from pathlib import Path

from truth_console.flow.watch import Watch
from truth_console.options import opened
from truth_console.page.rendering import rendered
from truth_local.demo.acting import wait_for
from truth_local.system import System


def test_e5_the_last_snapshot_stays_with_its_time_and_all_comes_back(system: System, env: Path) -> None:
    with opened(env) as console:
        watch = Watch(console.services, console.broker)
        before = watch.snapshot()
        assert before.kafka_silent is None
        system.stop("kafka")
        try:
            away = watch.snapshot()
            assert away.kafka_silent is not None
            assert away.kafka_at == before.kafka_at
            assert [row.waiting for row in away.rows] == [row.waiting for row in before.rows]
            assert all(stand.silent is None for stand in away.stands)  # the services still answer
            assert "does not answer" in rendered("flow.html", "/", snapshot=away)
        finally:
            system.start("kafka")
        wait_for(lambda: watch.snapshot().kafka_silent is None or None, "Kafka again", 60)
        wait_for(lambda: not any(one.failing for one in watch.snapshot().stands) or None, "all ready", 60)
