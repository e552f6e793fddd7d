"""What a Job's page offers, and how forms become commands: pure."""

from uuid import UUID

import pytest
from truth_execution.api.shown import shown
from truth_execution.domain.completion import Complete
from truth_execution.domain.work import Work
from truth_execution.pages.forms import Name, read_command
from truth_execution.pages.sheet import sheet
from truth_kit.auth import Actor
from truth_kit.pages import Typed
from truth_kit.problems import Refused

from services.execution.tests.making import (
    claimed,
    completed,
    handed_back,
    queued,
    started,
    with_photo,
    with_stage,
    worked,
)

OLGA = Actor("olga", "Olga Orlova", frozenset({"operator"}), "person")
ONCE = "01a20ecd-4ae5-7471-a255-46d654a84715"


@pytest.mark.parametrize(
    ("work", "can"),
    [
        pytest.param(queued(), ("claim",), id="queued"),
        pytest.param(handed_back(), ("claim",), id="handed back"),
        pytest.param(claimed(), ("start", "hand-back"), id="claimed"),
        pytest.param(started(), ("evidence", "note", "stage", "complete"), id="started"),
        pytest.param(worked(), ("evidence", "note", "stage", "complete"), id="in progress"),
        pytest.param(completed(), (), id="completed"),
    ],
)
def test_a_page_offers_what_can_be_done_now_to_its_operator_alone(work: Work, can: tuple[str, ...]) -> None:
    job = shown(work)
    assert sheet(job, OLGA).can == can
    for subject, role in (("otto", "operator"), ("olga", "auditor"), ("ada", "admin")):
        assert sheet(job, Actor(subject, "Somebody", frozenset({role}), "person")).can == ()


def test_the_first_stage_that_is_not_completed_is_where_the_work_is() -> None:
    stages = sheet(shown(with_stage(with_photo())), OLGA).stages
    assert [(stage.n, stage.name, stage.photos, stage.is_here) for stage in stages] == [
        (1, "inspect", 1, False),
        (2, "repair", 0, True),
        (3, "hand-over", 0, False),
    ]


def test_the_mark_differs_whenever_the_page_offers_something_else() -> None:
    works = [queued(), claimed(), started(), with_stage(), completed()]
    assert len({sheet(shown(work), OLGA).mark for work in works}) == len(works)
    assert sheet(shown(started()), OLGA).mark == sheet(shown(with_photo()), OLGA).mark


def typed(**fields: str) -> Typed:
    return Typed({name: (value,) for name, value in fields.items()})


def test_an_empty_field_is_not_said() -> None:
    command = read_command("complete", typed(once=ONCE, outcome="fulfilled", reason="", other="x"))
    assert command == Complete(command_id=UUID(ONCE), outcome="fulfilled")  # pyright: ignore[reportArgumentType] an id of the test's


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        pytest.param("note", {"once": ONCE}, "text", id="a note without words"),
        pytest.param("hand-back", {"once": ONCE, "reason": "x" * 201}, "reason", id="too long a reason"),
        pytest.param("complete", {"once": ONCE, "outcome": "paid"}, "outcome", id="another outcome"),
        pytest.param("claim", {}, "command_id", id="no key"),
        pytest.param("claim", {"once": "x"}, "command_id", id="no id"),
    ],
)
def test_a_form_that_says_it_wrongly_is_told_where(name: Name, fields: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        read_command(name, typed(**fields))
    assert (refused.value.refusal.code, refused.value.refusal.field) == ("body_malformed", field)
