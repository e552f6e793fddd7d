"""One request along the whole path: who does what, and what is shown of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from truth_local.demo import acting
from truth_local.demo.acting import Answer, Person, wait_for
from truth_local.demo.photo import take_photo
from truth_local.system import System

Show = Callable[[str, str, str, str], None]
"""Shows one step: which request, which step, its id, and what happened."""


def unseen(_label: str, _step: str, _id: str, _what: str) -> None:
    """Shows nothing."""


@dataclass(frozen=True, slots=True)
class People:
    """Who acts in the demo."""

    admin: Person
    operator: Person
    upstream: Person
    auditor: Person
    patience_seconds: float = 30
    """How long they wait for the next step."""
    camera: Callable[[str], bytes] = take_photo
    """Takes a photo with a caption."""


@dataclass(frozen=True, slots=True)
class Walked:
    """A request that came to the end of its path."""

    label: str
    request_id: str
    surface: str
    maturity: str
    job_id: str
    outcome: str
    record_id: str
    signal_id: str | None
    reasons: tuple[str, ...]
    photos: dict[str, bytes] = field(repr=False)
    """The uploaded bytes by their digest."""


def people(system: System) -> People:
    """Signs everybody in."""
    return People(
        admin=acting.person(system, "ada"),
        operator=acting.person(system, "olga"),
        upstream=acting.person(system, "acme"),
        auditor=acting.person(system, "vera"),
    )


def walk(label: str, intake: Answer, who: People, show: Show) -> Walked:
    """From an Intake to its Record and to what signals decided. Raises RefusedError or TimeoutError."""
    request_id = str(intake["request_id"])
    show(label, "Intake", request_id, f"on {intake['surface']} ({intake['maturity']})")
    _govern(label, request_id, who, show)
    job_id, photos = _execute(label, request_id, who, show)
    record = wait_for(lambda: acting.record_of(who.auditor, request_id), "Record", who.patience_seconds)
    show(label, "Record", record["record_id"], "sealed; completion is not settlement")
    record_id = record["record_id"]
    decision = wait_for(
        lambda: acting.decision_of(who.auditor, record_id), "decision of signals", who.patience_seconds
    )
    signal_id, reasons = decision["signal_id"], tuple(str(reason) for reason in decision["reasons"])
    if signal_id:
        show(label, "Signal", signal_id, "emitted by policy")
    else:
        show(label, "Signal", "none", f"withheld: {', '.join(reasons)}")
    return Walked(
        label=label,
        request_id=request_id,
        surface=str(intake["surface"]),
        maturity=str(intake["maturity"]),
        job_id=job_id,
        outcome="fulfilled",
        record_id=record["record_id"],
        signal_id=signal_id,
        reasons=reasons,
        photos=photos,
    )


def _govern(label: str, request_id: str, who: People, show: Show) -> None:
    task = wait_for(lambda: acting.task_of(who.admin, request_id), "Task", who.patience_seconds)
    show(label, "Task", task["task_id"], "pending review")
    task = acting.approve(who.admin, task, "Looks right.")
    show(label, "Task", task["task_id"], f"approved by {who.admin.name}")
    task = acting.assign(who.admin, task, who.operator.name)
    show(label, "Task", task["task_id"], f"assigned to {who.operator.name}")
    prepared = acting.prepare(who.admin, task)
    created = acting.create_job(who.admin, task, prepared["digest"])
    show(label, "Create Job", created["job_id"], f"by {who.admin.name}, over {prepared['digest'][:16]}…")


def _execute(label: str, request_id: str, who: People, show: Show) -> tuple[str, dict[str, bytes]]:
    job = wait_for(lambda: acting.job_of(who.operator, request_id), "Job", who.patience_seconds)
    job_id = str(job["job_id"])
    show(label, "Job", job_id, f"queued on {who.operator.name}'s Desk")
    acting.command(who.operator, job_id, "claim")
    show(label, "Job", job_id, f"claimed by {who.operator.name}")
    started = acting.command(who.operator, job_id, "start")
    service_event_id = str(started["service_event"]["service_event_id"])
    show(label, "ServiceEvent", service_event_id, "started")
    photos = _work(label, job_id, service_event_id, who, show)
    acting.command(who.operator, job_id, "complete", outcome="fulfilled")
    show(label, "ServiceEvent", service_event_id, "completed: fulfilled")
    return job_id, photos


def _work(label: str, job_id: str, service_event_id: str, who: People, show: Show) -> dict[str, bytes]:
    """Every stage with a note, and a photo where the surface asks for evidence."""
    photos: dict[str, bytes] = {}
    job = who.operator.get("execution", f"/api/jobs/{job_id}")
    for stage in job["stages"]:
        name = stage["name"]
        acting.command(who.operator, job_id, "note", text=f"{name}: done as asked.", stage=name)
        if stage["evidence_required"]:
            photo = who.camera(f"{label}: {name}")
            photos[acting.attach(who.operator, job_id, photo, name)] = photo
        acting.command(who.operator, job_id, "stage", name=name)
        told = "a note and a photo" if stage["evidence_required"] else "a note"
        show(label, "ServiceEvent", service_event_id, f"stage {name} done, with {told}")
    return photos
