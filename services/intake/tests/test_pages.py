"""What a requester sees: the form and the tracker, over HTTP, on a real PostgreSQL, with JavaScript nowhere."""

import hashlib
import json
import re

import pytest
from sqlalchemy import text
from truth_kit.database import Database
from truth_sealing.canonical import sha256_hex

from services.intake.tests.builders import task_changed
from services.intake.tests.conftest import In
from services.intake.tests.filling import KITCHEN, count, filled, request_id_of, send
from services.intake.tests.http_door import accepted, answers, tell

# The form


async def test_a_form_leads_to_a_receipt_and_to_the_tracker(browser: In, database: Database) -> None:
    form, sent = await send(browser())
    assert (sent.status_code, sent.headers["location"]) == (303, f"/track/{form['token']}/receipt")
    receipt = await browser().get(sent.headers["location"])
    assert "Received. No work has been ordered." in receipt.text
    reference = f"R-{(await request_id_of(database)).hex[-8:]}"
    assert reference in receipt.text
    tracker = await browser().get(f"/track/{form['token']}")
    assert reference in tracker.text
    assert re.findall(r"<b>(Request|Intake|Task)</b><span>(\w+)", tracker.text) == [
        ("Request", "received"),
        ("Intake", "accepted"),
        ("Task", "none"),
    ]
    async with database.connect() as conn:
        kept = (await conn.execute(text("SELECT tracker_sha256 FROM truth.intake"))).scalar_one()
    assert kept == hashlib.sha256(form["token"].encode()).digest()


async def test_what_is_sealed_says_door_and_actor_and_the_bytes_as_received(
    browser: In, database: Database
) -> None:
    _, sent = await send(browser(), summary="Ä tap")
    (event,) = await accepted(database)
    request = json.loads(event.steps[0])
    assert (request["source"], request["door"], request["actor"]) == (
        "/form/kitchen-repairs",
        "form",
        "anonymous",
    )
    assert request["received_sha256"] == sha256_hex(sent.request.content)
    assert request["requester"]["subject"] is None


async def test_guardrail_7_who_is_signed_in_is_told_with_the_request(browser: In, database: Database) -> None:
    await send(browser("rita", "requester"))
    (event,) = await accepted(database)
    request = json.loads(event.steps[0])
    assert (request["actor"], request["requester"]["subject"]) == ("person:rita", "rita")


async def test_a2_sending_twice_is_one_intake_and_one_tracker(browser: In, database: Database) -> None:
    form, first = await send(browser())
    again = await browser().post(KITCHEN, data=form)
    assert first.headers["location"] == again.headers["location"]
    assert (await browser().get(again.headers["location"])).status_code == 200
    assert await count(database) == 1


async def test_the_same_form_with_other_words_is_kept_apart_and_shown_again(
    browser: In, database: Database
) -> None:
    form, _ = await send(browser())
    other = await browser().post(KITCHEN, data=form | {"summary": "Something else"})
    assert other.status_code == 409
    assert "You sent this before, with other words" in other.text
    once_more = filled(other.text, summary="Something else")
    assert once_more["once"] != form["once"]
    assert once_more["token"] != form["token"]
    assert 'value="Something else"' in other.text
    assert (await browser().post(KITCHEN, data=once_more)).status_code == 303
    assert await count(database) == 2


async def test_a_tracker_of_another_request_is_refused_and_the_form_is_shown_with_its_own(
    browser: In, database: Database
) -> None:
    form, _ = await send(browser())
    other = await browser().post(KITCHEN, data=form | {"once": form["once"] + "x"})
    assert other.status_code == 409
    once_more = filled(other.text)
    assert once_more["token"] != form["token"]
    assert (await browser().post(KITCHEN, data=once_more)).status_code == 303
    assert await count(database) == 2


async def test_a3_a_planned_surface_has_no_form_and_takes_none(browser: In, database: Database) -> None:
    page = await browser().get("/request/garden-care")
    assert page.status_code == 200
    assert "not open yet" in page.text
    assert "<textarea" not in page.text
    form = filled((await browser().get(KITCHEN)).text)
    refused = await browser().post("/request/garden-care", data=form)
    assert refused.status_code == 403
    assert "is planned and accepts no requests yet" in refused.text
    assert await count(database) == 0


async def test_guardrail_6_a_partial_surface_says_so_before_anything_is_sent(browser: In) -> None:
    assert "This is partly open" in (await browser().get("/request/roof-inspections")).text


@pytest.mark.parametrize(
    "path",
    ["/request/nothing-here", "/request/UPPER", "/track/none", "/track/none/live", "/track/none/receipt"],
)
async def test_what_is_not_there_is_a_page_that_says_so(browser: In, path: str) -> None:
    page = await browser().get(path)
    assert page.status_code in (404, 422)
    assert page.headers["content-type"].startswith("text/html")


async def test_wrong_fields_are_all_named_and_nothing_typed_is_lost(browser: In, database: Database) -> None:
    _, page = await send(browser(), summary="", place="12 Mill Lane", wanted_by="soon")
    assert page.status_code == 422
    assert 'href="#summary"' in page.text
    assert 'href="#wanted_by"' in page.text
    assert 'value="12 Mill Lane"' in page.text
    assert 'aria-describedby="summary-hint summary-error"' in page.text
    assert await count(database) == 0


async def test_a_request_too_large_for_the_path_is_refused_with_its_words_kept(browser: In) -> None:
    _, page = await send(browser(), description="\N{GRINNING FACE}" * 8000 + "x" * 0, place="here")
    assert page.status_code in (303, 422)
    _, page = await send(browser(), description="\x7f" * 8000)
    assert page.status_code == 303


async def test_a8_script_in_any_field_is_shown_as_text(browser: In, database: Database) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    fields = {
        "summary": evil,
        "description": evil,
        "requester.name": evil,
        "requester.contact": evil,
        "place": evil,
    }
    _, sent = await send(browser(), **fields)
    request_id = await request_id_of(database)
    await tell(database, task_changed(request_id, 1, "info_requested", evil))
    pages = [
        sent.headers["location"],
        sent.headers["location"].removesuffix("/receipt"),
        "/intakes",
        f"/intakes/{request_id}",
    ]
    operator = browser("olga", "operator")
    shown = [(await operator.get(path)).text for path in pages]
    _, wrong = await send(browser(), **(fields | {"summary": evil * 5}))
    for page in (*shown, wrong.text):
        assert "<script>alert" not in page
        assert "<img" not in page
    assert all("&lt;script&gt;alert" in page for page in (*shown[1:], wrong.text))


@pytest.mark.parametrize("changes", [{"token": ""}, {"token": "short"}, {"token": "x" * 500}, {"once": ""}])
async def test_a_form_that_is_not_whole_is_refused(
    browser: In, database: Database, changes: dict[str, str]
) -> None:
    _, page = await send(browser(), **changes)
    assert page.status_code == 422
    assert await count(database) == 0


# The tracker


async def test_a5_a_reason_to_decline_is_on_the_tracker(browser: In, database: Database) -> None:
    form, _ = await send(browser())
    await tell(
        database, task_changed(await request_id_of(database), 1, "declined", "We do not work on Mars.")
    )
    page = (await browser().get(f"/track/{form['token']}")).text
    assert "We do not work on Mars." in page
    assert "<i>Task</i> declined" in page


async def test_a_question_is_answered_on_the_tracker_once(browser: In, database: Database) -> None:
    form, _ = await send(browser())
    await tell(database, task_changed(await request_id_of(database), 2, "info_requested", "Which tap?"))
    page = (await browser().get(f"/track/{form['token']}")).text
    assert "Which tap?" in page
    answer = {"version": "2", "answer": "The left one."}
    for _ in range(2):
        sent = await browser().post(f"/track/{form['token']}/answer", data=answer)
        assert sent.status_code == 303
    (told,) = await answers(database)
    assert (told.answer, told.actor, told.question_version) == ("The left one.", "anonymous", 2)
    late = await browser().post(f"/track/{form['token']}/answer", data=answer | {"answer": "The right one."})
    assert late.status_code == 409
    assert "The right one." in late.text


@pytest.mark.parametrize("answer", ["", "x" * 4001])
async def test_an_answer_that_is_none_is_refused(browser: In, database: Database, answer: str) -> None:
    form, _ = await send(browser())
    await tell(database, task_changed(await request_id_of(database), 1, "info_requested", "Which tap?"))
    sent = await browser().post(f"/track/{form['token']}/answer", data={"version": "1", "answer": answer})
    assert sent.status_code == 422
    assert "Which tap?" in sent.text


async def test_somebody_elses_tracker_cannot_be_guessed_from_what_is_shown(
    browser: In, database: Database
) -> None:
    await send(browser())
    request_id = await request_id_of(database)
    for guess in (request_id, request_id.hex, f"R-{request_id.hex[-8:]}"):
        assert (await browser("rita", "requester").get(f"/track/{guess}")).status_code == 404
