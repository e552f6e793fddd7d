"""A request that holds script wherever words go, walked to its Signal by everybody's pages; a second one declined."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from truth_contracts.topics import SERVICES
from truth_kit.pages.session import Session
from truth_local.demo import acting, doors, upstream
from truth_local.demo.acting import Person, wait_for
from truth_local.demo.photo import take_photo
from truth_local.system import System
from truth_topology.connection import Login

from services.governance.tests.authenticators import Authenticator
from tests.security.script.flow import console
from tests.security.script.parsing import Page
from tests.security.script.visiting import Ledger, Visitor, session
from tests.security.sessions import cookie_of

At = Callable[[str, Session | None], Visitor]
"""Somebody at the pages of a service."""

_API = "by API"
_LETTERS = "/ops/dead-letters"
_INTAKE = r"/intakes/([0-9a-f-]{36})"
_SURFACE, _PLANNED, _OPERATOR = "script-as-text", "script-as-text-later", "eve"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who acts. Their names hold script as well: an issuer may say anything."""

    admin: Session
    operator: Session
    auditor: Session
    ops: Session
    api_admin: Person
    api_auditor: Person
    api_upstream: Person
    api_ops: Person


def walk_everything(system: System, routes: Mapping[str, Sequence[str]]) -> Ledger:
    """Fill in every form, look at every page; `routes` are those of each service's pages."""
    ledger = Ledger()

    def at(service: str, who: Session | None) -> Visitor:
        plain_first = sorted(routes[service], key=lambda route: (route.count("{"), route))
        cookie = cookie_of(system, service, who) if who else ""
        return Visitor(system.urls[service], service, plain_first, ledger, cookie)

    def named(subject: str, *roles: str) -> Session:
        return session(subject, ledger.script("every service", _API, f"name of the {roles[0]}"), *roles)

    cast = Cast(
        named("probe-admin", "admin"),
        named(_OPERATOR, "operator"),
        named("probe-auditor", "auditor"),
        named("probe-ops", "ops"),
        acting.person(system, "ada"),
        acting.person(system, "vera"),
        acting.person(system, "acme"),
        acting.person(system, "paul"),
    )
    _register(cast, ledger)
    try:
        tracker, request_id = _ask(at, cast)
        _put_right(at, cast, _refuse(system, at, cast, ledger))
        _post(at, cast, ledger)
        entered = _enter(at, cast)
        _decline(at, cast, entered)
        _create_job(at, cast, tracker, request_id)
        _work(at, cast, request_id)
        _look_back(at, cast, tracker, request_id)
        _look_at_flow(system, request_id, ledger)
    finally:
        _put_operator(cast, "Nobody", active=False)
    return ledger


def _register(cast: Cast, ledger: Ledger) -> None:
    stages = [{"name": "inspect", "evidence_required": True}]
    for name, maturity in ((_SURFACE, "live"), (_PLANNED, "planned")):
        title = ledger.script("intake", _API, f"title of a {maturity} surface")
        body = {"title": title, "maturity": maturity, "stages": stages}
        cast.api_admin.ask("PUT", "intake", f"/api/surfaces/{name}", body)
    _put_operator(cast, ledger.script("governance", _API, "name of a registered operator"), active=True)


def _put_operator(cast: Cast, name: str, *, active: bool) -> None:
    cast.api_admin.ask("PUT", "governance", f"/api/operators/{_OPERATOR}", {"name": name, "active": active})


def _ask(at: At, cast: Cast) -> tuple[str, str]:
    """A stranger's request; the tracker's address and the request's id."""
    stranger = at("intake", None)
    form = f"/request/{_SURFACE}"
    stranger.look(f"/request/{_PLANNED}")
    refused = stranger.give(stranger.look(form), form)  # "wanted by" is no day
    receipt = stranger.give(refused, form, wanted_by="")
    tracker = _one(r"/track/[\w-]+", receipt)
    stranger.look(tracker)
    stranger.look("/track/none")
    return tracker, _one(_INTAKE, at("intake", cast.auditor).look(f"{tracker}/receipt"))


def _refuse(system: System, at: At, cast: Cast, ledger: Ledger) -> str:
    """A message of an upstream's that is refused, with script in its headers and in its body; its source."""
    login = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    source = ledger.script("intake", "requests.submitted", "source of a refused message")
    source = source.replace('"', "")  # with one it is too odd to be shown
    upstream.publish(login, source, {"summary": ledger.script("intake", "requests.submitted", "unknown")})
    ops = at("intake", cast.ops)
    wait_for(lambda: source in ops.look("/refused").said or None, "refused message")
    return source


def _put_right(at: At, cast: Cast, source: str) -> None:
    """The refused message's dead letter: redriven before its trial, tried, dismissed without a reason and with one."""
    letters = cast.api_ops.get("intake", f"/api{_LETTERS}")["dead_letters"]
    letter = next(f"{_LETTERS}/{one['id']}" for one in letters if one["source"] == source)
    ops = at("intake", cast.ops)
    page = ops.look(letter)
    ops.give(page, f"{letter}/redrive")
    ops.give(page, f"{letter}/redrive", **{"try": "yes"})
    ops.give(page, f"{letter}/dismiss", reason="")
    ops.look(_LETTERS)
    ops.give(page, f"{letter}/dismiss")


def _post(at: At, cast: Cast, ledger: Ledger) -> None:
    """A machine's request, with the details that no form has."""
    words = {part: ledger.script("intake", _API, f"{part} of a detail") for part in ("name", "value")}
    asked = doors.request(_SURFACE, "With details", "Told by a machine.") | {"details": [words]}
    request_id = cast.api_upstream.post("intake", "/api/requests", asked)["request_id"]
    at("intake", cast.auditor).look(f"/intakes/{request_id}")
    at("governance", cast.auditor).look(f"/tasks/{_task_id(cast, request_id)}")


def _enter(at: At, cast: Cast) -> str:
    """A request for a caller, asked back and answered for them; its id."""
    operator, path = at("intake", cast.operator), "/intakes/new"
    refused = operator.give(operator.look(path), path, surface=_SURFACE)
    request_id = _one(_INTAKE, operator.give(refused, path, wanted_by=""))
    admin, task = at("governance", cast.admin), f"/tasks/{_task_id(cast, request_id)}"
    admin.give(admin.look(task), f"{task}/ask")
    answer = f"/intakes/{request_id}/answer"
    page = wait_for(lambda: _with_form(operator.look(f"/intakes/{request_id}"), answer), "question")
    operator.give(page, answer, version="9")
    operator.give(page, answer)
    return request_id


def _decline(at: At, cast: Cast, request_id: str) -> None:
    admin, task = at("governance", cast.admin), f"/tasks/{_task_id(cast, request_id)}"
    page = wait_for(lambda: _with_form(admin.look(task), f"{task}/approve"), "answer")
    decline = f"{task}/decline"
    refused = admin.give(page, decline, code="duplicate")  # of no request that there is
    admin.give(refused, decline, code="other", duplicate_of="")
    operator = at("intake", cast.operator)
    wait_for(lambda: "Declined" in operator.look(f"/intakes/{request_id}").said or None, "reason")


def _create_job(at: At, cast: Cast, tracker: str, request_id: str) -> None:
    """Asked back and answered on the tracker, approved, assigned, created."""
    stranger, admin = at("intake", None), at("governance", cast.admin)
    task = f"/tasks/{_task_id(cast, request_id)}"
    admin.give(admin.look(task), f"{task}/ask")
    page = wait_for(lambda: _with_form(stranger.look(tracker), f"{tracker}/answer"), "question")
    stranger.give(page, f"{tracker}/answer")
    page = wait_for(lambda: _with_form(admin.look(task), f"{task}/approve"), "answer")
    admin.give(page, f"{task}/approve", version="1")  # as it was before the question
    approved = admin.give(page, f"{task}/approve")
    _register_passkey(admin)
    assigned = admin.give(approved, f"{task}/assign", operator_id=_OPERATOR)
    at("governance", cast.operator).look("/tasks")
    admin.look("/tasks")
    admin.look("/tasks?state=declined")
    dialog = admin.give(assigned, f"{task}/job/prepare")
    admin.give(dialog, f"{task}/job")
    _revoke_passkey(admin)


def _register_passkey(admin: Visitor) -> None:
    """As the page's script does it, with script for a name."""
    page = admin.look("/passkeys")
    options = admin.ask("POST", "/passkeys/options", "application/json").json()["options"]
    credential = json.dumps(Authenticator().register(options, origin=admin.url))
    admin.give(admin.give(page, "/passkeys"), "/passkeys", credential=credential)


def _revoke_passkey(admin: Visitor) -> None:
    page = admin.look("/passkeys")
    admin.give(page, next(form.action for form in page.forms if form.action.endswith("/revoke")))


def _work(at: At, cast: Cast, request_id: str) -> None:
    operator = at("execution", cast.operator)
    job_id = wait_for(lambda: acting.job_of(cast.api_admin, request_id), "Job")["job_id"]
    job = f"/jobs/{job_id}"
    operator.look("/desk")
    claimed = operator.give(operator.look(job), f"{job}/claim")
    back = operator.give(claimed, f"{job}/hand-back")
    operator.give(operator.give(back, f"{job}/claim"), f"{job}/start")
    started = operator.look(job)
    operator.give(started, f"{job}/note", stage="no such stage")
    operator.give(started, f"{job}/note")
    photo = take_photo("as text")
    sha256 = hashlib.sha256(photo).hexdigest()
    operator.ask("PUT", f"/evidence/{sha256}", content=photo).raise_for_status()
    attached = {"once": str(uuid4()), "sha256": sha256, "stage": "inspect", "origin": "imported"}
    operator.ask("POST", f"{job}/evidence", data=attached).raise_for_status()
    for path in (f"/evidence/{sha256}", f"/evidence/{sha256}/thumb"):
        operator.look(path)
    operator.give(operator.look(job), f"{job}/complete", outcome="fulfilled")
    for path in ("/desk", "/sw.js", "/manifest.webmanifest", "/offline"):
        operator.look(path)
    at("execution", cast.auditor).look(job)


def _look_back(at: At, cast: Cast, tracker: str, request_id: str) -> None:
    """Every page that is left, at the end of the path."""
    record = wait_for(lambda: acting.record_of(cast.api_auditor, request_id), "Record")["record_id"]
    signal = wait_for(lambda: acting.decision_of(cast.api_auditor, record), "decision")["signal_id"]
    auditor = at("records", cast.auditor)
    for path in (
        "/records",
        f"/records/{record}",
        f"/records/{record}/evidence/0001",
        "/verify",
        f"/verify/{record}",
    ):
        auditor.look(path)
    for path in (f"/signals?record={record}", f"/signals/{signal}"):
        at("signals", None).look(path)
    intake = at("intake", cast.operator)
    intake.give(intake.look("/intakes"), "/intakes")
    for path in (f"/intakes/{request_id}", "/surfaces", tracker):
        intake.look(path)
    at("governance", cast.auditor).look(f"/tasks/{_task_id(cast, request_id)}")
    for service in SERVICES:
        for path in (_LETTERS, f"{_LETTERS}/{UUID(int=0)}", "/no-such-page"):
            at(service, cast.ops).look(path)


def _look_at_flow(system: System, request_id: str, ledger: Ledger) -> None:
    """The console's pages: what came along with messages is shown there, too."""
    with console(system) as url:
        ops = Visitor(url, "console", ["GET /trace"], ledger)
        ops.give(ops.look("/trace"), "/trace")
        for path in (f"/trace?ref={request_id}", "/", "/dead", "/invariants"):
            ops.look(path)


def _task_id(cast: Cast, request_id: str) -> str:
    return wait_for(lambda: acting.task_of(cast.api_admin, request_id), "Task")["task_id"]


def _with_form(page: Page, action: str) -> Page | None:
    return page if any(form.action == action for form in page.forms) else None


def _one(pattern: str, page: Page) -> str:
    """The address that a page leads to."""
    for said in page.said:
        if found := re.fullmatch(pattern, said):
            return found[1] if found.re.groups else found[0]
    raise LookupError(f"{pattern} is not on the page: {page.said}")
