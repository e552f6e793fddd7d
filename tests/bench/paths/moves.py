"""What the peers' commands do, in one transaction each: the same state machine in one database.

Generous to them: no sign-in, no signature, no version and no id of a command, nobody is told of anything.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

MOVES: Mapping[str, tuple[str, str]] = {
    "approve": ("pending_review", "approved"),
    "assign": ("approved", "assigned"),
    "prepare": ("assigned", "prepared"),
    "create_job": ("prepared", "queued"),
    "claim": ("queued", "claimed"),
    "start": ("claimed", "started"),
    "stage": ("started", "in_progress"),
    "complete": ("in_progress", "completed"),
}
"""The eight human calls in their order: from which state, to which."""

TABLES = """
    CREATE TABLE IF NOT EXISTS work (id uuid PRIMARY KEY, state text NOT NULL, seq int NOT NULL DEFAULT 0, body jsonb NOT NULL);
    CREATE TABLE IF NOT EXISTS step (id uuid REFERENCES work, seq int, kind text NOT NULL, body jsonb NOT NULL, PRIMARY KEY (id, seq));
    CREATE TABLE IF NOT EXISTS record (id uuid PRIMARY KEY REFERENCES work, body text NOT NULL, sha256 text NOT NULL);
    CREATE TABLE IF NOT EXISTS signal (id uuid PRIMARY KEY REFERENCES record, sha256 text NOT NULL);
"""
OPEN = "INSERT INTO work (id, state, body) VALUES ($1, 'pending_review', $2)"
_MOVE = "UPDATE work SET state = $3, seq = seq + 1 WHERE id = $1 AND state = $2 RETURNING seq"
_STEP = "INSERT INTO step VALUES ($1, $2, $3, $4)"
WHOLE = """
    SELECT work.body, (SELECT array_agg(step.body ORDER BY seq) FROM step WHERE step.id = work.id) AS steps
      FROM work WHERE work.id = $1
"""
RECORD = "INSERT INTO record VALUES ($1, $2, $3)"
SIGNAL = "INSERT INTO signal VALUES ($1, $2)"


Connection: TypeAlias = "asyncpg.Connection | PoolConnectionProxy[asyncpg.Record]"


class RefusedError(Exception):
    """The work is not in the state that the command asks for."""


async def move(conn: Connection, work_id: UUID, kind: str, body: str) -> None:
    """Move the work and keep the command; within the caller's transaction."""
    seq = await conn.fetchval(_MOVE, work_id, *MOVES[kind])
    if seq is None:
        raise RefusedError(kind)
    await conn.execute(_STEP, work_id, seq, kind, body)


def record_of(request: str, steps: list[str]) -> tuple[str, str]:
    """The Record's text, and its digest: what sealing comes to without a signature and a log."""
    told = json.dumps(
        {"request": json.loads(request), "steps": [json.loads(step) for step in steps]}, sort_keys=True
    )
    return told, hashlib.sha256(told.encode()).hexdigest()
