"""What the outbox makes of answers: its pure part, run by Node."""

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import truth_execution.pages

from tests.contracts.node import node

STATIC = Path(truth_execution.pages.__file__).parent / "static"


def ran(script: str) -> Any:
    """What a module script prints, as JSON."""
    command = [node(), "--input-type=module", "--eval", script]
    done = subprocess.run(command, cwd=STATIC, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 ours
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


REFUSED = {"code": "not_a_photo", "detail": "No photo."}
NOW = {
    "job_state": "claimed",
    "changed_by": "person:olga",
    "changed_at": "2026-11-24T12:00:00.000Z",
    "service_event": {"state": "started"},
}
THEIRS = {
    "state": "Job claimed, ServiceEvent started",
    "who": "person:olga",
    "at": "2026-11-24T12:00:00.000Z",
}
LATER = {"kind": "later", "seconds": 0}
CASES: dict[str, tuple[int, dict[str, Any], int, bool, dict[str, Any]]] = {
    "taken": (200, {}, 0, True, {"kind": "received"}),
    "somebody else's 200, of a hotel's sign-in page": (200, {}, 0, False, LATER),
    "no answer": (0, {}, 0, False, {"kind": "away"}),
    "no session": (401, {"code": "sign_in_needed"}, 0, False, {"kind": "signIn"}),
    "too late": (409, {"detail": "Begun.", "current": NOW}, 0, False, {"kind": "conflict", "reason": "Begun.", "theirs": THEIRS}),
    "an id used before": (409, {"detail": "Used."}, 0, False, {"kind": "conflict", "reason": "Used.", "theirs": None}),
    "no photo": (415, REFUSED, 0, False, {"kind": "refused", "reason": "No photo."}),
    "not theirs": (403, {"code": "not_assigned", "detail": "Not yours."}, 0, False, {"kind": "refused", "reason": "Not yours."}),
    "a proxy's no": (403, {}, 0, False, LATER),
    "more than a proxy lets through": (413, {}, 0, False, {"kind": "refused", "reason": "413"}),
    "too often": (429, {"code": "too_many_requests"}, 7, False, {"kind": "later", "seconds": 7}),
    "broken": (500, {"code": "internal_error"}, 0, False, LATER),
    "database away": (503, {"code": "database_unavailable"}, 2, False, {"kind": "later", "seconds": 2}),
    "a redirect": (302, {}, 0, True, LATER),
}  # fmt: skip


def test_nothing_is_received_but_by_the_servers_own_word() -> None:
    given = [[status, body, retry, is_ours] for status, body, retry, is_ours, _ in CASES.values()]
    verdicts = ran(
        'import { judge } from "./sending.js";'
        f"const given = {json.dumps(given)};"
        "console.log(JSON.stringify(given.map(([status, body, retrySeconds, isOurs]) =>"
        " judge({ status, body, retrySeconds }, isOurs))));"
    )
    expected = {name: case[-1] for name, case in CASES.items()}
    assert dict(zip(CASES, verdicts, strict=True)) == expected


def test_ids_of_commands_are_new_and_in_order_of_time() -> None:
    ids = ran(
        'import { newId } from "./making.js"; const ids = [];'
        "for (let n = 0; n < 3; n++) { ids.push(newId()); await new Promise((go) => setTimeout(go, 5)); }"
        "console.log(JSON.stringify(ids));"
    )
    assert ids == sorted(set(ids))
    assert {UUID(one).version for one in ids} == {7}
