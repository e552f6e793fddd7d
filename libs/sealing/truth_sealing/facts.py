"""Whether a Record says what its steps say: compared with the links' facts and with the bodies shown."""

from collections.abc import Iterator

from truth_sealing.canonical import Json, is_same, said
from truth_sealing.sealed import SealedRecord
from truth_sealing.shown import Body, Shown, evidence_of, member, notes_of, objects

Comparison = tuple[str, Json, Json]
"""What is compared, what the Record says, what the step says."""

_OWNERS = {
    "requester.name": "request",
    "requester.contact": "request",
    "place": "request",
    "summary": "request",
    "operator.name": "task_assigned",
    "notes": "service_event_completed",
    "evidence": "service_event_completed",
}
"""The step whose body holds what the Record commits to; notes and evidence are numbered."""


def fact_problems(record: SealedRecord, shown: Shown) -> Iterator[str]:
    """Every way in which the Record differs from its steps. Its chain must be whole."""
    for what, ours, theirs in (*_against_links(record), *_against_bodies(record, shown)):
        if not is_same(ours, theirs):
            yield f"the Record differs from its path: {what}"
    yield from _commitment_problems(record, shown)


def _against_links(record: SealedRecord) -> Iterator[Comparison]:
    intake, assigned = record.link("intake")["facts"], record.link("task_assigned")["facts"]
    created = record.link("job_created")["facts"]
    completed = record.link("service_event_completed")
    yield "maturity at intake", record["maturity"], intake.get("maturity")
    yield "maturity of the Job", record["maturity"], created.get("maturity")
    yield "surface at intake", record["surface"], intake.get("surface")
    yield "assigned operator", record["operator_id"], assigned.get("operator_id")
    yield "operator of the Job", record["operator_id"], created.get("operator_id")
    yield "outcome", record["outcome"], completed["facts"].get("outcome")
    yield "time of completion", record["completed_at"], completed["at"]
    if record["outcome"] == "fulfilled":
        yield "fulfilled although evidence is missing", [], completed["facts"].get("evidence_missing")


def _against_bodies(record: SealedRecord, shown: Shown) -> Iterator[Comparison]:
    if request := shown.body("request"):
        yield "surface of the request", record["surface"], request.get("surface")
    if intake := shown.body("intake"):
        yield "stages of the surface", _required(record.stages), _required(intake.get("stages"))
    yield from _against_job(record, shown.body("job_created"))
    if claimed := shown.body("job_claimed"):
        yield "claimed Job", record["job_id"], claimed.get("job_id")
    yield from _against_completion(record, shown.body("service_event_completed"))


def _against_job(record: SealedRecord, created: Body) -> Iterator[Comparison]:
    if not created:
        return
    yield "Job created", record["job_id"], member(created, "job", "job_id")
    yield "request of the Job", record["request_id"], member(created, "job", "request_id")
    yield "surface of the Job", record["surface"], member(created, "job", "surface")
    yield "stages of the Job", _required(record.stages), _required(member(created, "job", "stages"))
    yield "assignment frozen in the Job", record.prev("job_created"), member(created, "job", "prev")
    yield "who prepared the Job", record.link("job_created")["actor"], member(created, "job", "prepared_by")


def _against_completion(record: SealedRecord, completed: Body) -> Iterator[Comparison]:
    if not completed:
        return
    yield "Job of the completion", record["job_id"], completed.get("job_id")
    yield "ServiceEvent", record["service_event_id"], completed.get("service_event_id")
    yield "time of the start", record["started_at"], completed.get("started_at")
    yield "reason", record.members.get("reason"), completed.get("reason")
    times = {said(stage.get("name")): stage.get("completed_at") for stage in objects(completed, "stages")}
    counts = [said(piece.get("stage")) for piece in objects(completed, "evidence")]
    for stage in objects(record.members, "stages"):
        name = said(stage.get("name"))
        yield f"completion of stage {name}", stage.get("completed_at"), times.get(name)
        yield f"pieces of evidence for stage {name}", stage.get("evidence_count"), counts.count(name)


def _required(stages: Json) -> list[Json]:
    named = objects({"stages": stages}, "stages")
    return [[stage.get("name"), stage.get("evidence_required")] for stage in named]


def _commitment_problems(record: SealedRecord, shown: Shown) -> Iterator[str]:
    told = _told(shown)
    for path in record.commitments:
        owner = _OWNERS.get(path.partition("/")[0])
        if owner is None or (owner in shown.bodies and path not in told):
            yield f"the Record commits to {path}, which no step tells"
    for path, value in told.items():
        if path not in record.commitments:
            yield f"the Record leaves out {path}"
        if path in shown.values and not is_same(shown.values[path], value):
            yield f"the Record commits to another {path} than its step tells"


def _told(shown: Shown) -> dict[str, Json]:
    """What the bodies shown hold of that to which a Record commits."""
    request, completed = shown.body("request"), shown.body("service_event_completed")
    told: dict[str, Json] = {
        "requester.name": member(request, "requester", "name"),
        "requester.contact": member(request, "requester", "contact"),
        "place": request.get("place"),
        "summary": request.get("summary"),
        "operator.name": shown.body("task_assigned").get("operator_name"),
    }
    told |= {path: note.get("text") for path, note in notes_of(completed).items()}
    told |= {path: piece.get("sha256") for path, piece in evidence_of(completed).items()}
    return {path: value for path, value in told.items() if value is not None}
