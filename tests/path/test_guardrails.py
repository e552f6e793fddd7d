"""The eight guardrails of the path, numbered, through public doors."""

import hashlib
import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from truth_local.demo import acting, doors, walk
from truth_local.demo.acting import Answer, Person, RefusedError, wait_for
from truth_local.demo.photo import take_photo
from truth_local.demo.reading import read_topic
from truth_local.demo.walk import People, Walked, unseen
from truth_topology.connection import Login

Logins = Callable[[str], Login]
Make = Callable[[], Answer]
Anybody = Callable[[str], Person]


def refused(door: Callable[[], object]) -> tuple[int, str]:
    """Status and code of the refusal that `door` must end in."""
    with pytest.raises(RefusedError) as caught:
        door()
    return caught.value.status, str(caught.value.problem.get("code"))


def create(creator: Person, task: Answer) -> Answer:
    return acting.create_job(creator, task, acting.prepare(creator, task)["digest"])


def test_guardrail_1_a_task_makes_no_job_by_itself(assigned: Make, who: People, login: Logins) -> None:
    waiting, promoted = assigned(), assigned()
    create(who.admin, promoted)
    wait_for(lambda: acting.job_of(who.operator, promoted["request_id"]), "Job of the promoted Task")
    assert acting.job_of(who.operator, waiting["request_id"]) is None
    keys = [message.key for message in read_topic(login("console"), "jobs.created")]
    assert waiting["request_id"].encode() not in keys


def test_guardrail_1_create_job_is_no_get(assigned: Make, who: People) -> None:
    assert who.admin.raw("GET", "governance", f"/api/tasks/{assigned()['task_id']}/job").status_code == 405


def test_guardrail_1_a_machine_cannot_create_a_job(assigned: Make, who: People) -> None:
    task = assigned()
    assert refused(lambda: acting.prepare(who.upstream, task)) == (403, "people_only")
    digest = acting.prepare(who.admin, task)["digest"]
    assert refused(lambda: acting.create_job(who.upstream, task, digest)) == (403, "people_only")


@pytest.mark.parametrize(
    ("name", "code"),
    [("otto", "not_assigned"), ("rita", "role_missing"), ("paul", "role_missing"), ("vera", "role_missing")],
)
def test_guardrail_1_only_an_admin_or_the_assigned_operator_creates(
    name: str, code: str, assigned: Make, as_person: Anybody
) -> None:
    task = assigned()
    assert refused(lambda: acting.prepare(as_person(name), task)) == (403, code)


def test_guardrail_1_the_assigned_operator_may_create(assigned: Make, who: People) -> None:
    assert create(who.operator, assigned())["job_id"]


def test_guardrail_1_a_task_that_is_not_assigned_cannot_become_a_job(submit: Make, who: People) -> None:
    intake = submit()
    task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
    assert refused(lambda: acting.prepare(who.admin, task)) == (409, "move_forbidden")
    approved = acting.approve(who.admin, task)
    assert refused(lambda: acting.prepare(who.admin, approved)) == (409, "move_forbidden")


def test_guardrail_1_an_old_digest_does_not_create_after_reassigning(assigned: Make, who: People) -> None:
    task = assigned()
    digest = acting.prepare(who.admin, task)["digest"]
    reassigned = acting.assign(who.admin, task, "otto")
    status, _ = refused(lambda: acting.create_job(who.admin, reassigned, digest))
    assert status == 409


def test_guardrail_1_a_second_job_is_refused_with_the_first_ones_id(assigned: Make, who: People) -> None:
    task = assigned()
    job_id = create(who.admin, task)["job_id"]
    answer = who.admin.raw("POST", "governance", f"/api/tasks/{task['task_id']}/job", {"digest": "0" * 64})
    assert (answer.status_code, answer.json()["code"]) == (409, "job_exists")
    assert job_id in answer.text


def told(login: Login, topic: str) -> set[tuple[str, str]]:
    """Record and event of each message. A relay may repeat an event; other tests put poison beside them."""
    values = [m.value for m in read_topic(login, topic) if m.value and b'"record_id"' in m.value]
    return {(message["record_id"], message["event_id"]) for message in map(json.loads, values)}


def test_guardrail_3_a_signal_lies_only_over_a_sealed_record(walked_live: Walked, login: Logins) -> None:
    sealed = {record_id for record_id, _ in told(login("partner-demo"), "records.sealed")}
    signals = [record_id for record_id, _ in told(login("partner-demo"), "signals.emitted")]
    assert walked_live.record_id in signals
    assert set(signals) <= sealed
    assert len(signals) == len(set(signals))


def test_guardrail_3_nobody_can_make_or_change_a_signal(walked_live: Walked, as_person: Anybody) -> None:
    for name in ("ada", "olga", "paul", "vera", "acme"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for path in ("/api/signals", f"/api/signals/{walked_live.signal_id}"):
                assert as_person(name).raw(method, "signals", path, {}).status_code == 405


def test_guardrail_4_nobody_can_change_a_record_over_http(walked_live: Walked, as_person: Anybody) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        path = f"/api/records/{walked_live.record_id}"
        assert as_person("ada").raw(method, "records", path, {}).status_code == 405


def test_guardrail_5_a_completion_says_that_it_is_no_settlement(queued: Make, who: People) -> None:
    job = queued()
    for name in ("claim", "start"):
        acting.command(who.operator, job["job_id"], name)
    answer = json.dumps(
        acting.command(who.operator, job["job_id"], "complete", outcome="not_fulfilled")
    ).lower()
    assert "not settle" in answer or "no settlement" in answer or "not settlement" in answer
    assert not any(word in answer for word in ("paid", "billed", "invoice"))


def test_guardrail_6_a_planned_surface_accepts_nothing(who: People) -> None:
    asked = doors.request("garden-care", "Mow the lawn", "Please.")
    assert refused(lambda: who.upstream.post("intake", "/api/requests", asked)) == (403, "surface_planned")
    assert acting.intake_of(who.auditor, doors.SOURCE, asked["request_key"]) is None


def test_guardrail_6_a_partial_surfaces_record_says_so_and_earns_no_signal(
    walked_partial: Walked, who: People
) -> None:
    assert walked_partial.signal_id is None
    assert any("maturity" in reason or "partial" in reason for reason in walked_partial.reasons)
    assert '"maturity":"partial"' in json.dumps(
        who.auditor.get("records", f"/api/records/{walked_partial.record_id}"), separators=(",", ":")
    ).replace("\\", "")


def test_guardrail_6_the_maturity_in_force_is_frozen(who: People, submit: Make) -> None:
    surface: Answer = {"title": "Window repairs", "maturity": "partial", "stages": []}
    name = f"window-repairs-{uuid4().hex[:8]}"
    who.admin.ask("PUT", "intake", f"/api/surfaces/{name}", surface)
    intake = doors.over_http("", doors.request(name, "Pane", "Cracked."), who, unseen)
    who.admin.ask("PUT", "intake", f"/api/surfaces/{name}", surface | {"maturity": "live"})
    assert submit()["maturity"] == "live"
    walked = walk.walk("frozen", intake, who, unseen)
    assert (walked.maturity, walked.signal_id) == ("partial", None)


def test_guardrail_7_whoever_entered_a_request_cannot_approve_it(who: People, as_person: Anybody) -> None:
    asked = doors.request("kitchen-repairs", "Tap drips", "As told on the phone.")
    intake = who.admin.post("intake", "/api/requests", asked)
    task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
    assert refused(lambda: acting.approve(who.admin, task)) == (403, "own_request")
    assert acting.approve(as_person("amir"), task)["state"] == "approved"


def test_guardrail_7_whoever_asks_through_another_cannot_approve_it(who: People, as_person: Anybody) -> None:
    asked = doors.request("kitchen-repairs", "Tap drips", "My own tap.")
    asked["requester"] = {"name": "Ada", "subject": "ada"}
    intake = who.upstream.post("intake", "/api/requests", asked)
    task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
    assert refused(lambda: acting.approve(who.admin, task)) == (403, "own_request")
    assert acting.approve(as_person("amir"), task)["state"] == "approved"


def test_guardrail_7_only_the_assigned_operator_claims(queued: Make, as_person: Anybody) -> None:
    job_id = queued()["job_id"]
    assert refused(lambda: acting.command(as_person("otto"), job_id, "claim")) == (403, "not_assigned")
    assert refused(lambda: acting.command(as_person("acme"), job_id, "claim")) == (403, "people_only")


def test_a_stale_version_is_told_who_changed_what(submit: Make, who: People, as_person: Anybody) -> None:
    intake = submit()
    task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
    acting.approve(who.admin, task)
    answer = as_person("amir").raw(
        "POST", "governance", f"/api/tasks/{task['task_id']}/decline",
        {"version": task["version"], "code": "other", "reason": "Too late."},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (409, "version_stale")
    assert answer.json()["current"]["state"] == "approved"
    assert "person:ada" in answer.text


def test_fulfilled_needs_the_required_evidence_and_names_the_stage(queued: Make, who: People) -> None:
    job = queued()
    for name in ("claim", "start"):
        acting.command(who.operator, job["job_id"], name)
    acting.attach(who.operator, job["job_id"], take_photo("inspect"), "inspect")
    with pytest.raises(RefusedError) as caught:
        acting.command(who.operator, job["job_id"], "complete", outcome="fulfilled")
    assert caught.value.problem["code"] == "evidence_missing"
    assert "repair" in str(caught.value)


def test_what_is_no_photo_is_no_evidence(who: People) -> None:
    page = b"<html><script>alert(1)</script></html>"
    assert refused(lambda: acting.upload(who.operator, page)) == (415, "not_a_photo")
    photo, other = take_photo("one"), hashlib.sha256(b"other").hexdigest()
    answer = who.operator.put_bytes("execution", f"/api/evidence/{other}", photo)
    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")


def test_a_job_is_handed_back_before_work_began_and_not_after(queued: Make, who: People) -> None:
    job_id = queued()["job_id"]
    acting.command(who.operator, job_id, "claim")
    acting.command(who.operator, job_id, "hand-back", reason="Wrong tools.")
    acting.command(who.operator, job_id, "claim")
    acting.command(who.operator, job_id, "start")
    status, _ = refused(lambda: acting.command(who.operator, job_id, "hand-back", reason="Too late."))
    assert status == 409
