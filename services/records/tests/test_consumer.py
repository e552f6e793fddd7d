"""service-events.completed in, drafts out, on a real PostgreSQL."""

from truth_kit.database import Database
from truth_kit.dead_letters.store import list_letters
from truth_kit.subscribe import Arrival, Decided, decide
from truth_kit.testing import arrival
from truth_records.bell import Bell
from truth_records.consumer import routes
from truth_sealing.keys import FileSigner

from services.records.tests.builders import NOW, SIGNERS, STEP_KEYS, completed, path, uuid_of
from services.records.tests.running import count, fetch


async def take(database: Database, *arrivals: Arrival) -> Decided:
    return await decide(database, "records", routes(STEP_KEYS, (Bell(),)), arrivals, NOW)


async def codes(database: Database) -> list[tuple[str, str]]:
    async with database.connect() as conn:
        letters = await list_letters(conn, state="open", before=None, limit=10)
    return [(letter.code, letter.detail) for letter in letters]


async def test_a_completion_becomes_one_draft_with_all_that_proves_it(database: Database) -> None:
    decided = await take(database, arrival(completed()), arrival(completed(), offset=1))
    assert (decided.acted_on, decided.refused, decided.repeated) == (1, 0, 1)
    tables = ("completion", "draft", "step_body", "disclosure", "evidence", "record")
    assert [await count(database, table) for table in tables] == [1, 1, 7, 7, 1, 0]
    ((body,),) = await fetch(database, "SELECT body FROM truth.step_body WHERE step = 'request'")
    assert body.decode() == completed().steps[0]


async def test_a_service_event_has_one_record_for_ever(database: Database) -> None:
    await take(database, arrival(completed()))
    again = path(1, event_id=uuid_of(1, "another event"))
    decided = await take(database, arrival(completed(again), offset=1))
    assert (decided.acted_on, decided.refused) == (0, 1)
    assert [code for code, _ in await codes(database)] == ["record_exists"]
    assert await count(database, "completion") == 1


async def test_two_completions_of_one_service_event_in_one_batch_give_one_draft(database: Database) -> None:
    again = path(1, event_id=uuid_of(1, "another event"))
    decided = await take(database, arrival(completed()), arrival(completed(again), offset=1))
    assert (decided.acted_on, decided.refused) == (1, 1)


async def test_a_step_signed_by_nobody_we_know_makes_no_draft(database: Database) -> None:
    governance = SIGNERS["governance"]
    SIGNERS["governance"] = FileSigner.generate("governance")
    try:
        forged = completed(path(2))
    finally:
        SIGNERS["governance"] = governance
    await take(database, arrival(forged))
    assert await count(database, "draft") == 0
    ((code, detail),) = await codes(database)
    assert (code, "task_approved is not signed by governance" in detail) == ("chain_broken", True)
