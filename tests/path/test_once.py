"""Once is once: repeated requests, repeated commands, and twins that arrive together."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
from truth_local.demo import acting, doors, upstream
from truth_local.demo.acting import Answer, Person, wait_for
from truth_local.demo.photo import take_photo
from truth_local.demo.reading import read_topic
from truth_local.demo.walk import People
from truth_topology.connection import Login

Logins = Callable[[str], Login]


def hand_offs(login: Logins, topic: str, request_id: str) -> int:
    return sum(message.key == request_id.encode() for message in read_topic(login("console"), topic))


def test_one_request_five_times_over_kafka_and_five_times_over_http_is_one_intake_and_one_task(
    who: People, login: Logins
) -> None:
    asked = doors.request("kitchen-repairs", "Tap drips", "All night long.")

    def over_kafka(_: int) -> str:
        return upstream.publish(login("upstream-acme"), doors.SOURCE, asked)

    def over_http(_: int) -> str:
        return who.upstream.post("intake", "/api/requests", asked)["request_id"]

    with ThreadPoolExecutor(10) as pool:
        published = pool.map(over_kafka, range(5))
        posted = pool.map(over_http, range(5))
    assert len(list(published)) == 5
    (request_id,) = set(posted)
    task = wait_for(lambda: acting.task_of(who.admin, request_id), "Task")

    # A later request of the same key's partition proves that the five before it were acted on.
    later = doors.request("kitchen-repairs", "Another tap", "Too.")
    upstream.publish(login("upstream-acme"), doors.SOURCE, later)
    wait_for(lambda: acting.intake_of(who.auditor, doors.SOURCE, later["request_key"]), "later Intake")
    found = who.auditor.get(
        "intake", f"/api/intakes?source={doors.SOURCE}&request_key={asked['request_key']}"
    )
    assert [intake["request_id"] for intake in found["intakes"]] == [request_id]
    tasks = who.admin.get("governance", f"/api/tasks?request_id={request_id}")["tasks"]
    assert [one["task_id"] for one in tasks] == [task["task_id"]]
    assert hand_offs(login, "intakes.accepted", request_id) == 1


def test_a_repeated_key_answers_200_with_the_same_intake(who: People) -> None:
    asked = doors.request("kitchen-repairs", "Tap drips", "All night long.")
    first = who.upstream.raw("POST", "intake", "/api/requests", asked)
    second = who.upstream.raw("POST", "intake", "/api/requests", asked)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["request_id"] == second.json()["request_id"]
    assert second.json().get("tracker_token") is None


def test_a_repeated_key_with_other_content_is_refused_through_both_doors(who: People, login: Logins) -> None:
    asked = doors.request("kitchen-repairs", "Tap drips", "All night long.")
    who.upstream.post("intake", "/api/requests", asked)
    other = asked | {"summary": "Roof leaks"}
    answer = who.upstream.raw("POST", "intake", "/api/requests", other)
    assert (answer.status_code, answer.json()["code"]) == (409, "request_key_reused")
    event_id = upstream.publish(login("upstream-acme"), doors.SOURCE, other)

    def refused() -> Answer | None:
        told = [
            json.loads(message.value or b"{}")
            for message in read_topic(login("upstream-acme"), "requests.refused")
        ]
        return acting.first([one for one in told if one["refused_event_id"] == event_id])

    assert wait_for(refused, "refusal on requests.refused")["code"] == "request_key_reused"


def test_ten_create_job_calls_at_once_make_one_job(
    who: People, assigned: Callable[[], Answer], login: Logins
) -> None:
    task = assigned()
    digest = acting.prepare(who.admin, task)["digest"]
    path = f"/api/tasks/{task['task_id']}/job"

    def create(_: int) -> httpx.Response:
        return who.admin.raw("POST", "governance", path, {"digest": digest})

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(create, range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    wait_for(lambda: acting.job_of(who.operator, task["request_id"]), "Job")
    assert hand_offs(login, "jobs.created", task["request_id"]) == 1


def test_complete_sent_three_times_is_one_completion(
    who: People, queued: Callable[[], Answer], login: Logins
) -> None:
    job = queued()
    for name in ("claim", "start"):
        acting.command(who.operator, job["job_id"], name)
    path, body = (
        f"/api/jobs/{job['job_id']}/complete",
        {"command_id": str(uuid4()), "outcome": "not_fulfilled"},
    )
    answers = [who.operator.raw("POST", "execution", path, body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.text for answer in answers}) == 1
    wait_for(lambda: acting.record_of(who.auditor, job["request_id"]), "Record")
    assert hand_offs(login, "service-events.completed", job["request_id"]) == 1
    assert hand_offs(login, "records.sealed", job["request_id"]) == 1


def test_a_photo_uploaded_and_attached_twice_is_there_once(who: People, queued: Callable[[], Answer]) -> None:
    job, photo = queued(), take_photo("once")
    for name in ("claim", "start"):
        acting.command(who.operator, job["job_id"], name)
    sha256 = acting.upload(who.operator, photo)
    assert acting.upload(who.operator, photo) == sha256
    command_id = str(uuid4())
    body = {"command_id": command_id, "sha256": sha256, "stage": "inspect", "origin": "captured"}
    for _ in range(2):
        who.operator.post("execution", f"/api/jobs/{job['job_id']}/evidence", body)
    seen = who.operator.get("execution", f"/api/jobs/{job['job_id']}")
    assert [one["sha256"] for one in seen["service_event"]["evidence"]] == [sha256]


def test_of_two_devices_that_claim_at_once_one_wins_and_the_other_is_told_when(
    queued: Callable[[], Answer], as_person: Callable[[str], Person]
) -> None:
    job, devices = queued(), [as_person("olga"), as_person("olga")]
    path = f"/api/jobs/{job['job_id']}/claim"

    def claim(device: Person) -> tuple[int, str]:
        answer = device.raw("POST", "execution", path, {"command_id": str(uuid4())})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(claim, devices))
    assert [status for status, _ in statuses] == [200, 409]
    assert "person:olga" in statuses[1][1]
