"""Reading dead letters and what was done about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Coordinates, Message

from truth_kit.columns import insert_arrays
from truth_kit.dead_letters.letters import dead_letter_action
from truth_kit.outbox import unpack_headers

LetterState: TypeAlias = Literal["open", "redriven", "dismissed"]
ActionOutcome: TypeAlias = Literal["redriven", "refused", "dismissed", "would_redrive", "would_refuse"]


@dataclass(frozen=True, slots=True)
class LetterSummary:
    """A dead letter without what the sender wrote. `code` and `detail` are those of the last attempt."""

    id: UUID
    state: LetterState
    topic: str
    partition: int
    offset: int
    type: str | None  # the sender's ce_type
    source: str | None  # as it was read, else as the sender's ce_source claims
    event_id: str | None
    request_id: UUID | None
    code: str
    detail: str
    field: str | None
    expected: str | None
    received: str | None
    first_at: datetime
    closed_at: datetime | None
    attempts: int  # redrives, dry runs apart


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody did about a dead letter."""

    id: UUID
    dead_letter_id: UUID
    what: Literal["redrive", "dry_run", "dismiss"]
    by: str
    at: datetime
    reason: str | None
    outcome: ActionOutcome
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """The message of a dead letter, byte for byte, and whether it still waits for somebody."""

    message: Message
    coordinates: Coordinates
    appended_at: datetime
    state: LetterState


# Without the message, which may be a megabyte, in a list of hundreds. Of its headers, which are JSON without
# blanks (truth_kit.outbox), two are cut out, where they are no longer and no odder than what we write.
_HEADER = r"""substring(letter.headers FROM '\["{name}","([ !#-\[\]-~]{{1,200}})"\]')"""
_STATE = f"""
    SELECT letter.id, letter.topic, letter.partition, letter."offset", letter.event_id, letter.request_id,
           letter.code, letter.detail, letter.field, letter.expected, letter.received, letter.first_at,
           {_HEADER.format(name="ce_type")} AS type,
           coalesce(letter.source, {_HEADER.format(name="ce_source")}) AS source,
           coalesce(closing.outcome, 'open') AS state, closing.at AS closed_at,
           attempt.code AS last_code, attempt.detail AS last_detail,
           (SELECT count(*) FROM truth.dead_letter_action AS action
             WHERE action.dead_letter_id = letter.id AND action.what = 'redrive') AS attempts
      FROM truth.dead_letter AS letter
      LEFT JOIN truth.dead_letter_action AS closing
        ON closing.dead_letter_id = letter.id AND closing.outcome IN ('redriven', 'dismissed')
      LEFT JOIN LATERAL (
           SELECT code, detail FROM truth.dead_letter_action AS action
            WHERE action.dead_letter_id = letter.id AND action.outcome = 'refused'
            ORDER BY action.at DESC, action.id DESC LIMIT 1
      ) AS attempt ON true
"""  # noqa: S608 two constants

_LIST = text(f"""
    SELECT * FROM ({_STATE}) AS letter
     WHERE (CAST(:state AS text) IS NULL OR state = :state)
       AND (CAST(:before AS uuid) IS NULL OR id < :before)
     ORDER BY id DESC LIMIT :limit
""")  # noqa: S608 two constants

_FIND = text(f"SELECT * FROM ({_STATE}) AS letter WHERE id = :id")  # noqa: S608 two constants

_MESSAGE = text("SELECT key, value, headers, appended_at FROM truth.dead_letter WHERE id = :id")

_LIST_ACTIONS = text("SELECT * FROM truth.dead_letter_action WHERE dead_letter_id = :id ORDER BY at, id")

_COUNT_OPEN = text("""
    SELECT count(*) FROM truth.dead_letter AS letter WHERE NOT EXISTS (
        SELECT FROM truth.dead_letter_action AS action
         WHERE action.dead_letter_id = letter.id AND action.outcome IN ('redriven', 'dismissed'))
""")

_ADD_ACTION = insert_arrays(dead_letter_action)


async def list_letters(
    conn: AsyncConnection, *, state: LetterState | None, before: UUID | None, limit: int
) -> list[LetterSummary]:
    """Newest first, those older than `before`."""
    rows = await conn.execute(_LIST, {"state": state, "before": before, "limit": limit})
    return [_summary(row) for row in rows.mappings()]


async def find_letter(conn: AsyncConnection, letter_id: UUID) -> LetterSummary | None:
    """One dead letter, without what the sender wrote."""
    row = (await conn.execute(_FIND, {"id": letter_id})).mappings().one_or_none()
    return None if row is None else _summary(row)


async def list_actions(conn: AsyncConnection, letter_id: UUID) -> list[Action]:
    """What was done about it, oldest first."""
    rows = await conn.execute(_LIST_ACTIONS, {"id": letter_id})
    return [Action(**row) for row in rows.mappings()]


async def count_open(conn: AsyncConnection) -> int:
    """Dead letters that wait for somebody."""
    return (await conn.execute(_COUNT_OPEN)).scalar_one()


async def lock_letter(tx: AsyncConnection, letter_id: UUID) -> StoredLetter | None:
    """The message itself; whoever else acts on this letter waits until the transaction ends.

    An advisory lock, since a row lock needs the right to UPDATE, which no app role has here.
    """
    await tx.execute(_LOCK, {"id": str(letter_id)})
    letter = await find_letter(tx, letter_id)
    row = (await tx.execute(_MESSAGE, {"id": letter_id})).one_or_none()
    if letter is None or row is None:
        return None
    key, value, headers, appended_at = row
    return StoredLetter(
        Message(letter.topic, key, value, unpack_headers(headers)),
        Coordinates(letter.topic, letter.partition, letter.offset),
        appended_at,
        letter.state,
    )


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:id AS text), 0))")


async def insert_action(tx: AsyncConnection, action: Action) -> None:
    """Keep for good what was done."""
    columns = dead_letter_action.c.keys()
    await tx.execute(_ADD_ACTION, {name: [getattr(action, name)] for name in columns})


def _summary(row: RowMapping) -> LetterSummary:
    return LetterSummary(
        id=row["id"],
        state=row["state"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        type=row["type"],
        source=row["source"],
        event_id=row["event_id"],
        request_id=row["request_id"],
        code=row["last_code"] or row["code"],
        detail=row["last_detail"] or row["detail"],
        field=row["field"],
        expected=row["expected"],
        received=row["received"],
        first_at=row["first_at"],
        closed_at=row["closed_at"],
        attempts=row["attempts"],
    )
