"""The page's templates with everything unknown, and everything a stranger could have written in them."""

from dataclasses import replace
from datetime import UTC, datetime

from truth_console.dead.letters import Group, Letter, chosen, groups
from truth_console.flow.rows import Sight, Snapshot, Stand, headline, rows
from truth_console.page.board import Board
from truth_console.page.drawing import boxes, hops
from truth_console.page.rendering import rendered
from truth_contracts.topics import SERVICES
from uuid_utils.compat import uuid7

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


def unknown() -> Snapshot:
    """Nobody says anything."""
    made = rows(Sight(None, None, {}, NOW))
    stands = [Stand(name, None, "does not answer", NOW, {}, None, None, None) for name in SERVICES]
    return Snapshot(NOW, None, "does not answer", made, stands, headline(made, stands, "does not answer"))


def test_what_is_not_known_is_said_and_never_0() -> None:
    shown = rendered("flow.html", "/", snapshot=unknown())
    numbers = [cell.split("<")[0] for cell in shown.split('<td class="num">')[1:]]
    assert set(numbers) == {"unknown"}
    assert {hop.words for hop in hops(unknown())} == {"unknown"}
    assert {box.kind for box in boxes(unknown())} == {"unknown"}


def test_whatever_was_written_is_text() -> None:
    group = Group("intake", EVIL, EVIL, EVIL, 1, NOW, NOW, uuid7())
    shown = rendered("dead.html", "/dead", groups=[group], silent={EVIL: EVIL}, urls={"intake": "http://i"})
    snapshot = replace(unknown(), headline=EVIL)
    assert EVIL not in shown + rendered("flow.html", "/", snapshot=snapshot)
    assert "&lt;script&gt;" in shown
    assert f'href="http://i/ops/dead-letters/{group.sample}"' in shown


def test_many_readers_make_one_look() -> None:
    looks: list[Snapshot] = []

    def look() -> Snapshot:
        looks.append(unknown())
        return looks[-1]

    board = Board(look)
    assert board.now() is board.now()
    assert len(looks) == 1


def letter(code: str, offset: int, topic: str = "jobs.created") -> Letter:
    return Letter(
        id=uuid7(),
        state="open",
        topic=topic,
        partition=0,
        offset=offset,
        type=None,
        request_id=None,
        code=code,
        detail="",
        field=None,
        first_at=NOW.replace(second=offset),
        attempts=0,
    )


def test_dead_letters_are_grouped_by_cause_and_the_largest_comes_first() -> None:
    own = [
        letter("chain_broken", 1),
        letter("job_exists", 2),
        letter("job_exists", 3),
        letter("job_exists", 4),
    ]
    found = groups({"execution": own, "intake": [letter("body_invalid", 9, "requests.submitted")]})
    assert [(one.service, one.code, one.count) for one in found] == [
        ("execution", "job_exists", 3),
        ("execution", "chain_broken", 1),
        ("intake", "body_invalid", 1),
    ]
    assert (found[0].first_at.second, found[0].last_at.second, found[0].sample) == (2, 4, own[3].id)


def test_a_group_is_redriven_in_the_order_in_which_it_came() -> None:
    own = [letter("job_exists", 3), letter("job_exists", 1), letter("job_exists", 2, "other"), letter("x", 0)]
    assert [one.offset for one in chosen(own, "job_exists", "jobs.created")] == [1, 3]
    assert len(chosen(own, "job_exists", None)) == 3
