"""Ops sees what stands, where and for how long, and finds one request over all services (surfaces.md E1, E2)."""

from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from truth_local.demo import acting
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.walk import People, Walked
from truth_local.system import System

from tests.ops.conftest import Truth, submitted, worked

TITLES = ["Request", "Intake", "Task", "Create Job", "Job", "ServiceEvent", "Record", "Signal"]
STUCK = ("records.sealed", "signals")


def rows(snapshot: Answer) -> dict[tuple[str, str], Answer]:
    return {(row["topic"], row["reader"]): row for row in snapshot["rows"]}


def test_a_request_at_its_end_is_traced_step_by_step_and_all_holds(truth: Truth, walked: Walked) -> None:
    ended = truth("trace", walked.request_id, "--json")
    told = ended.json
    assert ended.code == 0
    assert [line["title"] for line in told["lines"]] == TITLES
    assert told["standing"]["waits_for"] == "the end"
    ids = {line["title"]: line["step"]["id"] for line in told["lines"]}
    assert (ids["Job"], ids["Record"], ids["Signal"]) == (walked.job_id, walked.record_id, walked.signal_id)
    checks = {line["title"]: line["message"]["check"] for line in told["lines"] if line["message"]}
    assert checks == {
        "Intake": "holds",
        "Create Job": "holds",
        "ServiceEvent": "holds",
        "Record": "holds",
        "Signal": "not checked here",
    }
    assert all(line["seconds"] >= 0 for line in told["lines"][1:])


def test_a_job_or_a_record_leads_to_its_request(truth: Truth, walked: Walked) -> None:
    for ref in (walked.job_id, walked.record_id):
        assert truth("trace", ref, "--json").json["request_id"] == walked.request_id


def test_an_id_that_nobody_knows_is_told_so(truth: Truth) -> None:
    assert truth("trace", str(uuid4())).code == 3


def test_a_request_that_waits_for_a_person_is_no_fault(truth: Truth, who: People) -> None:
    request_id = submitted(who)["request_id"]
    wait_for(lambda: acting.task_of(who.admin, request_id), "Task")
    ended = truth("trace", request_id)
    assert ended.code == 0
    assert "Stands at governance" in ended.out
    assert "Task waits for the review" in ended.out


def test_e1_e2_a_stopped_service_shows_within_seconds_and_a_stuck_request_names_it(
    system: System, truth: Truth, who: People
) -> None:
    request_id = submitted(who)["request_id"]
    system.stop("signals-1")
    try:
        worked(who, request_id)
        wait_for(lambda: acting.record_of(who.auditor, request_id), "Record")
        flow = truth("flow", "--json")
        stuck = rows(flow.json)[STUCK]
        assert (stuck["waiting"], stuck["trend"]) == (1, "growing")
        assert 0 < stuck["oldest_seconds"] < 10
        growing = {name for name, row in rows(flow.json).items() if row["trend"] == "growing"}
        assert growing == {STUCK}
        assert rows(truth("flow", "--json").json)[STUCK]["oldest_seconds"] > stuck["oldest_seconds"]
        assert stuck["dead"] is None  # signals alone knows, and does not say
        assert flow.code == 2
        assert "signals does not answer" in flow.json["headline"]

        told = truth("trace", request_id, "--json")
        assert (told.code, told.json["standing"]["service"]) == (2, "signals")
        assert "the Signal comes next there" in told.json["standing"]["words"]
    finally:
        system.start("signals-1")

    def cleared() -> bool | None:
        row = rows(truth("flow", "--json").json)[STUCK]
        return (row["waiting"], row["oldest_seconds"], row["dead"]) == (0, 0, 0) or None

    assert wait_for(cleared, "a row that is clear again")
    assert truth("trace", request_id).code == 0


def test_counters_agree_with_what_was_done(system: System, who: People) -> None:
    before = (count(system, "intake", "sent", "intakes.accepted"), count(system, "governance", "consumed", "intakes.accepted"))  # fmt: skip
    for _ in range(10):
        submitted(who)

    def after() -> bool | None:
        sent = count(system, "intake", "sent", "intakes.accepted") - before[0]
        consumed = count(system, "governance", "consumed", "intakes.accepted") - before[1]
        assert max(sent, consumed) <= 10
        return (sent, consumed) == (10, 10) or None

    assert wait_for(after, "ten messages counted at both ends")


def count(system: System, service: str, what: str, topic: str) -> float:
    """A counter of a service's replicas, added up."""
    name = f"messaging_client_{what}_messages_total"
    texts = [
        httpx.get(f"{url}/metrics", trust_env=False).text
        for part, url in system.replica_urls.items()
        if part.startswith(service)
    ]
    samples = [
        sample
        for text in texts
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    return sum(
        sample.value
        for sample in samples
        if sample.name == name and sample.labels["messaging_destination_name"] == topic
    )


@pytest.mark.parametrize("service", ["intake", "governance", "execution", "records", "signals"])
@pytest.mark.usefixtures("walked")
def test_every_promise_is_counted_and_kept(service: str, who: People) -> None:
    told = who.auditor.get(service, "/api/ops/invariants")["invariants"]
    assert told
    assert {one["rule"]: one["violations"] for one in told} == {one["rule"]: 0 for one in told}
