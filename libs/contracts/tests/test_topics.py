"""Topics and rights: one writing service for each, and nobody may do more than they need."""

from truth_contracts.topics import (
    JOBS_CREATED,
    PARTNER,
    SERVICES,
    TOPICS,
    UPSTREAM,
    dead_letters,
    rights,
)

RIGHTS = rights(upstreams=("acme",), partners=("demo",))


def who(operation: str, topic: str) -> set[str]:
    return {r.principal for r in RIGHTS if (r.operation, r.resource, r.name) == (operation, "topic", topic)}


def test_each_topic_has_exactly_one_writer_and_it_is_the_owner() -> None:
    for topic in TOPICS:
        owner = "upstream-acme" if topic.owner == UPSTREAM else topic.owner
        assert who("WRITE", topic.name) == {owner}


def test_guardrail_1_only_governance_may_write_jobs_created() -> None:
    assert who("WRITE", JOBS_CREATED.name) == {"governance"}


def test_guardrail_3_signals_reads_only_sealed_records() -> None:
    assert {topic.name for topic in TOPICS if "signals" in topic.readers} == {"records.sealed"}


def test_guardrail_3_outcome_and_evidence_leave_execution_only_towards_records() -> None:
    assert who("READ", "service-events.completed") == {"records", "console"}


def test_readers_are_known_and_no_topic_is_named_twice() -> None:
    known = {*SERVICES, UPSTREAM, PARTNER}
    assert {reader for topic in TOPICS for reader in topic.readers} <= known
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


def test_a_partner_reads_records_and_signals_and_nothing_else() -> None:
    assert {(r.operation, r.name) for r in RIGHTS if r.principal == "partner-demo"} == {
        ("READ", "records.sealed"),
        ("READ", "signals.emitted"),
        ("READ", "partner-demo"),
    }


def test_the_console_writes_nothing_and_joins_no_group() -> None:
    console = [right for right in RIGHTS if right.principal == "console"]
    assert {right.operation for right in console} == {"READ", "DESCRIBE"}
    assert not any(right.operation == "READ" and right.resource == "group" for right in console)


def test_every_consuming_service_has_a_topic_for_its_dead_letters() -> None:
    assert {dead_letters(service) for service in SERVICES} <= set(TOPICS)


def test_what_is_sealed_is_kept_for_ever_and_what_is_personal_is_not() -> None:
    kept = {topic.name for topic in TOPICS if topic.retention_ms == -1}
    assert kept == {"records.sealed", "records.checkpoints", "signals.emitted"}
