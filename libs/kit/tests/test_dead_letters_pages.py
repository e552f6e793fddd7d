"""Dead letters as people of ops see them, and put right by two forms in their own session."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from truth_contracts.envelope import Message
from truth_kit.auth import Verifier
from truth_kit.connections import HttpServer, KafkaConnection, SignIn
from truth_kit.database import Database
from truth_kit.dead_letters.pages import HOME, by_cause, is_tried
from truth_kit.dead_letters.store import Action, ActionOutcome, LetterSummary, list_actions, list_letters
from truth_kit.lifecycle import Service, application
from truth_kit.pages import Pages
from truth_kit.subscribe import decide
from truth_kit.testing import arrival, cookie

from libs.kit.tests.hop_sample import NOW, ROUTES, forbidden, job_changed, list_seen

URL = "http://localhost:1"
FROM_OWN_PAGE = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
LETTER = LetterSummary(
    id=UUID(int=1), state="open", topic="jobs.changed", partition=0, offset=0, type="truth.jobs.changed.v1",
    source=None, event_id=None, request_id=None, code="move_forbidden", detail="No.", field=None, expected=None,
    received=None, first_at=NOW, closed_at=None, attempts=0,
)  # fmt: skip


def done(outcome: ActionOutcome) -> Action:
    return Action(uuid4(), LETTER.id, "dry_run", "person:paul", NOW, None, outcome)


def test_letters_of_one_cause_stand_together_and_the_largest_group_first() -> None:
    alone, *many = (replace(LETTER, id=UUID(int=n)) for n in range(3))
    causes = by_cause([replace(alone, code="type_unknown"), *many])
    assert [(cause.code, len(cause.letters)) for cause in causes] == [
        ("move_forbidden", 2),
        ("type_unknown", 1),
    ]


@pytest.mark.parametrize(
    ("outcomes", "tried"),
    [
        pytest.param([], False, id="nothing was done"),
        pytest.param(["would_redrive"], True, id="a trial that passed"),
        pytest.param(["would_redrive", "would_refuse"], False, id="a later one that did not"),
        pytest.param(["would_redrive", "refused"], False, id="redriven since, and refused"),
    ],
)
def test_only_the_last_trial_counts(outcomes: list[ActionOutcome], tried: bool) -> None:
    assert is_tried([done(outcome) for outcome in outcomes]) is tried


@pytest.fixture
async def app(database: Database, kafka: KafkaConnection, tmp_path: Path) -> AsyncGenerator[FastAPI]:
    """The sample service's pages."""
    secret = tmp_path / "secret"
    secret.write_text("a secret of the client")
    sign_in = SignIn(client_id="governance", client_secret_file=secret)
    service = Service(
        name="governance",
        version="1.0.0",
        http=HttpServer(port=1, public_url=URL),
        database=database.connection,
        kafka=kafka,
        issuer="http://localhost:2",
        routes=ROUTES,
        pages=Pages(package="truth_kit.pages", title="Hop", routers=(), sign_in=sign_in),
    )
    async with httpx.AsyncClient() as issuer:
        yield application(service, database, Verifier(service.issuer, issuer))


def browser(app: FastAPI, *roles: str, name: str = "paul") -> httpx.AsyncClient:
    """Somebody who has signed in."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=URL,
        headers=FROM_OWN_PAGE,
        cookies=cookie(app, name, *roles),
    )


@pytest.fixture
async def odd(database: Database) -> str:
    """The page of a letter that would be acted on if its state were allowed."""
    async with database.begin() as tx:
        await tx.execute(forbidden.insert().values(state="odd"))
    poison = Message("jobs.changed", b"k", b"Jane Doe", ())
    batch = [arrival(job_changed(state="odd"), offset=1), arrival(poison, offset=2)]
    await decide(database, "governance", ROUTES, batch, NOW)
    async with database.connect() as conn:
        letters = await list_letters(conn, state="open", before=None, limit=9)
    return f"{HOME}/{next(one.id for one in letters if one.code == 'move_forbidden')}"


async def allow(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(forbidden.delete())


async def account(database: Database, page: str) -> list[tuple[str, str, str | None, str]]:
    async with database.connect() as conn:
        actions = await list_actions(conn, UUID(page.removeprefix(f"{HOME}/")))
    return [(one.what, one.by, one.reason, one.outcome) for one in actions]


async def test_ops_tries_first_and_redrives_then_in_their_own_name(
    app: FastAPI, odd: str, database: Database
) -> None:
    async with browser(app, "ops") as paul:
        listed = (await paul.get(HOME)).text
        assert "<code>move_forbidden</code> on jobs.changed" in listed
        assert f'href="{odd}"' in listed
        assert "Jane" not in listed

        tried = await paul.post(f"{odd}/redrive", data={"try": "yes"})
        assert (tried.status_code, tried.headers["location"]) == (303, odd)
        assert "would be refused again" in (await paul.get(odd)).text
        too_early = await paul.post(f"{odd}/redrive", data={"reason": "allowed now"})
        assert (too_early.status_code, "Try it first" in too_early.text) == (409, True)
        assert 'value="allowed now"' in too_early.text  # what was typed stays

        await allow(database)
        await paul.post(f"{odd}/redrive", data={"try": "yes"})
        assert ">Redrive</button>" in (await paul.get(odd)).text
        unexplained = await paul.post(f"{odd}/redrive", data={"reason": " "})
        assert unexplained.status_code == 422
        assert await list_seen(database) == []
        redriven = await paul.post(f"{odd}/redrive", data={"reason": "allowed now"})
        assert redriven.status_code == 303
        assert len(await list_seen(database)) == 1

        again = await paul.post(f"{odd}/redrive", data={"reason": "once more"})
        assert (again.status_code, "was redriven already" in again.text) == (409, True)
        assert len(await list_seen(database)) == 1
        assert '<form method="post" action="/ops' not in (await paul.get(odd)).text
    assert await account(database, odd) == [
        ("dry_run", "person:paul", None, "would_refuse"),
        ("dry_run", "person:paul", None, "would_redrive"),
        ("redrive", "person:paul", "allowed now", "redriven"),
    ]


async def test_a_letter_is_dismissed_with_a_reason_and_never_without(
    app: FastAPI, odd: str, database: Database
) -> None:
    async with browser(app, "ops") as paul:
        assert (await paul.post(f"{odd}/dismiss", data={"leaves": "yes"})).status_code == 422
        assert (await paul.post(f"{odd}/dismiss", data={"reason": "x" * 501})).status_code == 422
        assert (await paul.post(f"{odd}/dismiss", data={"reason": "a test"})).status_code == 303
        assert odd not in (await paul.get(HOME)).text
        assert odd in (await paul.get(HOME, params={"state": "any"})).text
    assert await account(database, odd) == [("dismiss", "person:paul", "a test", "dismissed")]


async def test_an_auditor_sees_all_has_no_button_and_is_refused(
    app: FastAPI, odd: str, database: Database
) -> None:
    async with browser(app, "auditor", name="vera") as vera:
        assert f'href="{odd}"' in (await vera.get(HOME)).text
        page = (await vera.get(odd)).text
        assert "Somebody of ops can try it again" in page
        assert f'action="{odd}' not in page
        for what, form in (
            ("redrive", {"try": "yes"}),
            ("redrive", {"reason": "r"}),
            ("dismiss", {"reason": "r"}),
        ):
            refused = await vera.post(f"{odd}/{what}", data=form)
            assert (refused.status_code, "role_missing" in refused.text) == (403, True)
    assert await account(database, odd) == []


@pytest.mark.parametrize("role", ["requester", "operator", "admin"])
async def test_nobody_else_sees_them(app: FastAPI, odd: str, role: str) -> None:
    async with browser(app, role) as somebody:
        assert {(await somebody.get(path)).status_code for path in (HOME, odd)} == {403}
        assert HOME not in (await somebody.get("/signed-out")).text
    async with browser(app, "ops") as paul:
        assert f'href="{HOME}"' in (await paul.get("/signed-out")).text


async def test_a_form_of_another_page_is_refused(app: FastAPI, odd: str, database: Database) -> None:
    async with browser(app, "ops") as paul:
        foreign = await paul.post(
            f"{odd}/redrive", data={"try": "yes"}, headers={"Sec-Fetch-Site": "same-site"}
        )
    assert (foreign.status_code, "cross_origin" in foreign.text) == (403, True)
    assert await account(database, odd) == []


async def test_who_redrives_faster_than_a_person_is_slowed_down(app: FastAPI) -> None:
    page = f"{HOME}/{uuid4()}"
    async with browser(app, "ops") as paul:
        answers = [(await paul.post(f"{page}/redrive", data={"try": "yes"})).status_code for _ in range(40)]
    assert set(answers) == {404, 429}
    assert answers.index(429) >= 30
