"""A dead letter is found, tried and put right by command, by ops and by nobody else (surfaces.md E3, E4)."""

from uuid import uuid4

import pytest
from truth_local.demo import acting, doors, upstream
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.walk import People
from truth_local.system import System
from truth_topology.connection import Login

from tests.ops.conftest import Truth


@pytest.fixture
def surface() -> str:
    """The name of a surface that nobody has registered yet."""
    return f"cellar-{uuid4().hex[:8]}"


@pytest.fixture
def dead(system: System, surface: str, truth: Truth) -> Answer:
    """A request that was refused for want of its surface, as `truth dead show` tells it."""
    asked = doors.request(surface, "The cellar is damp", "Since March.")
    login = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    event_id = upstream.publish(login, doors.SOURCE, asked)
    paul = acting.person(system, "paul")

    def refused() -> Answer | None:
        letters = paul.get("intake", "/api/ops/dead-letters")["dead_letters"]
        return acting.first([one for one in letters if one["event_id"] == event_id])

    letter = wait_for(refused, "dead letter")
    shown = truth("dead", "show", letter["id"], "--json").json
    return {**shown["letter"], "request_key": asked["request_key"]}


def intakes(who: People, dead: Answer) -> int:
    found = who.auditor.get("intake", f"/api/intakes?request_key={dead['request_key']}")
    return len(found["intakes"])


def test_e3_e4_poison_is_grouped_put_right_once_and_only_by_ops(
    system: System, truth: Truth, who: People, dead: Answer, surface: str
) -> None:
    listed = truth("dead", "list", "--json")
    (group,) = [one for one in listed.json["groups"] if one["sample"] == dead["id"]]
    assert (listed.code, group["service"], group["code"]) == (1, "intake", "surface_unknown")
    assert rows_dead(truth) >= 1

    why = ("--reason", "the surface is there now", "--yes")
    refused = truth("dead", "redrive", dead["id"], *why, token=system.token("vera"))
    assert refused.code == 1
    assert "role_missing" in refused.out

    paul = system.token("paul")
    too_early = truth("dead", "redrive", dead["id"], *why, token=paul)
    assert too_early.code == 1
    assert "would_refuse" in too_early.out
    assert intakes(who, dead) == 0

    stages = [{"name": "look", "evidence_required": False}]
    body = {"title": "Cellars", "maturity": "live", "stages": stages}
    who.admin.ask("PUT", "intake", f"/api/surfaces/{surface}", body)
    asked = truth("dead", "redrive", dead["id"], "--reason", "try", token=paul, answer="n\n")
    assert "would_redrive" in asked.out
    assert intakes(who, dead) == 0  # it was a dry run, and the answer was no
    redriven = truth("dead", "redrive", dead["id"], *why, token=paul)
    assert redriven.code == 0
    assert intakes(who, dead) == 1
    again = truth("dead", "redrive", dead["id"], *why, token=paul)
    assert again.code == 1
    assert "dead_letter_closed" in again.out
    assert intakes(who, dead) == 1
    told = truth("dead", "show", dead["id"]).out
    assert "redrive by person:paul: redriven (the surface is there now)" in told


def test_a_dead_letter_that_needs_nothing_is_dismissed_with_a_reason(
    system: System, truth: Truth, dead: Answer
) -> None:
    without = truth("dead", "dismiss", dead["id"], "--reason", "a test")
    assert without.code == 2  # no token, and the console's own may only look
    dismissed = truth("dead", "dismiss", dead["id"], "--reason", "a test", token=system.token("paul"))
    assert (dismissed.code, "dismissed" in dismissed.out) == (0, True)
    listed = truth("dead", "list", "--json").json["groups"]
    assert dead["id"] not in {one["sample"] for one in listed}


def test_a_dead_letter_that_nobody_has_is_told_so(truth: Truth) -> None:
    assert truth("dead", "show", str(uuid4())).code == 3


def test_every_promise_is_shown_as_kept(truth: Truth) -> None:
    ended = truth("invariants")
    assert ended.code == 0
    assert "A Task is promoted exactly when Create Job made its Job." in ended.out


def rows_dead(truth: Truth) -> int:
    rows = truth("flow", "--json").json["rows"]
    return next(row["dead"] for row in rows if row["topic"] == "requests.submitted")
