"""The whole path, from each door, on the real broker and the real databases."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.reading import read_topic
from truth_local.demo.walk import People, Walked, unseen
from truth_local.system import System
from truth_topology.connection import Login

Logins = Callable[[str], Login]
TYPE = "truth.requests.submitted.v1"


def binary(asked: Answer) -> tuple[dict[str, str], bytes]:
    headers = {
        "ce_specversion": "1.0", "ce_id": str(uuid4()), "ce_source": doors.SOURCE, "ce_type": TYPE,
        "content-type": "application/json",
    }  # fmt: skip
    return headers, json.dumps(asked).encode()


def structured(asked: Answer) -> tuple[dict[str, str], bytes]:
    event = {"specversion": "1.0", "id": str(uuid4()), "source": doors.SOURCE, "type": TYPE, "data": asked}
    return {"content-type": "application/cloudevents+json"}, json.dumps(event).encode()


def plain(asked: Answer) -> tuple[dict[str, str], bytes]:
    return {}, json.dumps(asked).encode()


@pytest.mark.parametrize(
    ("form", "source"), [(binary, doors.SOURCE), (structured, doors.SOURCE), (plain, "/upstreams/unnamed")]
)
def test_a_request_published_to_kafka_becomes_a_record_and_a_signal(
    form: Callable[[Answer], tuple[dict[str, str], bytes]], source: str, who: People, login: Logins
) -> None:
    asked = doors.request("kitchen-repairs", "Tap drips", "All night long.")
    headers, value = form(asked)
    upstream.send(login("upstream-acme"), "requests.submitted", value, headers)
    intake = wait_for(lambda: acting.intake_of(who.auditor, source, asked["request_key"]), "Intake")
    walked = walk.walk(form.__name__, intake, who, unseen)
    assert walked.signal_id is not None
    assert walked.reasons == ()


def test_a_request_posted_over_http_becomes_a_record_and_a_signal(walked_live: Walked) -> None:
    assert walked_live.signal_id is not None


def test_a_signal_names_the_record_and_the_policy(walked_live: Walked, who: People) -> None:
    signal = who.auditor.get("signals", f"/api/signals/{walked_live.signal_id}")
    assert signal["record_id"] == walked_live.record_id
    assert signal["policy"]["version"]


def test_every_topic_holds_each_step_of_a_request_once(
    walked_live: Walked, login: Logins, system: System
) -> None:
    assert system.is_running("kafka")
    hand_offs = [
        "intakes.accepted",
        "jobs.created",
        "service-events.completed",
        "records.sealed",
        "signals.emitted",
    ]
    for topic in hand_offs:
        keys = [message.key for message in read_topic(login("console"), topic)]
        assert keys.count(walked_live.request_id.encode()) == 1, topic


def test_a_requests_messages_lie_in_one_partition(walked_live: Walked, login: Logins) -> None:
    topics = ["intakes.accepted", "tasks.changed", "jobs.created", "jobs.changed", "records.sealed"]
    key = walked_live.request_id.encode()
    partitions = {
        m.partition for topic in topics for m in read_topic(login("console"), topic) if m.key == key
    }
    assert len(partitions) == 1


def test_the_tracker_tells_all_eight_steps(who: People) -> None:
    asked = doors.request("kitchen-repairs", "Tap drips", "All night long.")
    intake = who.upstream.post("intake", "/api/requests", asked)
    walk.walk("tracked", intake, who, unseen)

    def finished() -> Answer | None:
        tracked = who.upstream.get("intake", f"/api/track/{intake['tracker_token']}")
        return tracked if all(step["at"] for step in tracked["steps"]) else None

    steps = wait_for(finished, "tracker with all eight steps")["steps"]
    names = [step["step"] for step in steps]
    assert names == ["Request", "Intake", "Task", "Create Job", "Job", "ServiceEvent", "Record", "Signal"]


def test_a_question_travels_to_the_requester_and_the_answer_back(
    who: People, submit: Callable[[], Answer]
) -> None:
    intake = submit()
    task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
    task_path = f"/api/tasks/{task['task_id']}"
    who.admin.post("governance", f"{task_path}/ask", {"version": task["version"], "question": "Which tap?"})
    token = intake["tracker_token"]

    def asked() -> Answer | None:
        tracked = who.upstream.get("intake", f"/api/track/{token}")
        return tracked if tracked.get("question") else None

    assert wait_for(asked, "question on the tracker")["question"] == "Which tap?"
    who.upstream.post("intake", f"/api/track/{token}/answer", {"answer": "The left one."})

    def answered() -> Answer | None:
        seen = who.admin.get("governance", task_path)
        return seen if seen["state"] == "pending_review" else None

    task = wait_for(answered, "answer in governance")
    assert "The left one." in json.dumps(task)
    assert acting.approve(who.admin, task)["state"] == "approved"


def test_the_reason_of_a_decline_reaches_the_tracker(who: People, submit: Callable[[], Answer]) -> None:
    intake = submit()
    task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
    decline = {"version": task["version"], "code": "out_of_scope", "reason": "We do no plumbing on boats."}
    who.admin.post("governance", f"/api/tasks/{task['task_id']}/decline", decline)

    def told() -> Answer | None:
        tracked = who.upstream.get("intake", f"/api/track/{intake['tracker_token']}")
        return tracked if "We do no plumbing on boats." in json.dumps(tracked) else None

    wait_for(told, "reason on the tracker")
