"""The mutants of the hop: what is taken out, by which change of which file, and what must notice."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patch:
    """One text in the place of another, which is there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A protection that is taken out. `check` is a Python module with its arguments; it must end with 1.

    `words` are what a line of its output must hold: that it failed for this reason, and not for another.
    """

    name: str
    patches: Sequence[Patch]
    noticed_by: str
    check: Sequence[str]
    words: Sequence[str]


_KIT = "libs/kit/truth_kit"
_DECIDE = f"{_KIT}/subscribe/decide.py"
_LOOP = f"{_KIT}/subscribe/subscription.py"
_RELAY = f"{_KIT}/relay.py"
_PYTEST = ("pytest", "-x", "-q", "-p", "no:cacheprovider")
_SIMULATION = ("tests.faults.simulation", "--runs", "1000")
_VIOLATION = ("seed ",)
_NOTE = "        await note(tx, offered.acted_on, now)\n    repeated"
_RECORD = """        await record(tx, refused, now)
        await _tell(tx, service, routes, refused, now)
"""


def _kit(file: str, test: str) -> tuple[str, ...]:
    return (*_PYTEST, f"libs/kit/tests/{file}", "-k", test)


def _crash(only: str) -> tuple[str, ...]:
    return ("tests.faults.crash", "--only", only)


MUTANTS = (
    Mutant(
        "ACK_FIRST: offsets committed at hand-over",
        (Patch(f"{_KIT}/subscribe/consumer.py", "ack_policy=AckPolicy.MANUAL", "ack_policy=AckPolicy.ACK_FIRST"),),
        "kit: test_consumer_settings",
        _kit("test_consumer_settings.py", "commits_nothing_by_itself"),
        ("FAILED", "MANUAL"),
    ),
    Mutant(
        "no inbox",
        (
            Patch(
                _DECIDE,
                "decided = await _list_decided(tx, [*map(_event_at, reading.whole), *map(_place_of, reading.broken)])",
                "decided: set[Coordinates] = set()",
            ),
            Patch(_DECIDE, _NOTE, "    repeated"),
        ),
        "simulation",
        _SIMULATION,
        _VIOLATION,
    ),
    Mutant(
        "refused without a second look into the inbox",
        (Patch(_DECIDE, "        await _meet_twins(tx, offered.refused)\n", ""),),
        "simulation",
        _SIMULATION,
        _VIOLATION,
    ),
    Mutant(
        "inbox outside the transaction",
        (
            Patch(
                _DECIDE,
                _NOTE,
                "    async with database.begin() as tx:\n        await note(tx, offered.acted_on, now)\n    repeated",
            ),
        ),
        "simulation",
        _SIMULATION,
        _VIOLATION,
    ),
    Mutant(
        "two relays on row locks (SKIP LOCKED) instead of one owner",
        (
            Patch(
                _RELAY,
                '        while not await lock.fetchval("SELECT pg_try_advisory_lock($1)", RELAY_LOCK):',
                "        while not await lock.fetchval(\"SELECT true\"):",
            ),
            Patch(
                _RELAY,  # advisory locks stand for row locks: the role may not lock rows
                "FROM truth.outbox WHERE id > $2 ORDER BY id LIMIT $1\n",
                "FROM truth.outbox WHERE id > $2 AND pg_try_advisory_lock(1, id::integer)\n"
                "         ORDER BY id LIMIT $1\n",
            ),
        ),
        "kit: test_relay",
        _kit("test_relay.py", "one_publishes"),
        ("FAILED", "AssertionError"),
    ),
    Mutant(
        "a cursor relay: rows after the last id",
        (
            Patch(
                _RELAY,
                "        after = 0 if self._stopping.is_set() else passed.begin_at(time.monotonic())\n",
                "        after = passed.sent\n",
            ),
        ),
        "kit: test_relay",
        _kit("test_relay.py", "commit_comes_late"),
        ("FAILED", "AssertionError"),
    ),
    Mutant(
        "offsets committed before the dead letter is written",
        (
            Patch(_DECIDE, _RECORD, ""),
            Patch(
                _LOOP,
                "            self._succeeded(consumer, batch, self._attempt.result())\n",
                "            self._succeeded(consumer, batch, self._attempt.result())\n"
                "            await self._commit(consumer)\n"
                "            from importlib import import_module\n"
                "            late = import_module('truth_kit.subscribe.decide')\n"
                "            letters = self._attempt.result().letters\n"
                "            async with self._database.begin() as tx:\n"
                "                await late.record(tx, letters, utc_now())\n"
                "                await late._tell(tx, self._service, self._routes, letters, utc_now())\n",
            ),
            # The points that this mutant leaves without their statement.
            Patch("tests/faults/crash/points.py", '        ("dead letter written", *_DECIDE, "await record(", "refused"),\n', ""),
            Patch("tests/faults/crash/points.py", '        ("dead letter told", *_DECIDE, "await _tell(", "refused"),\n', ""),
        ),
        "crash points",
        _crash("governance: offsets committed past a dead letter"),
        ("governance: no dead letter of",),
    ),
    Mutant(
        "published before the commit",
        (
            Patch(
                _DECIDE,
                _NOTE,
                "        await _publish_now(tx)\n" + _NOTE,
            ),
            Patch(
                _DECIDE,
                "def _first_copies(",
                "async def _publish_now(tx: Any) -> None:\n"
                "    from truth_kit import relay\n"
                "    told = 'DELETE FROM truth.outbox RETURNING id, topic, key, value, headers, NULL AS parent'\n"
                "    rows = (await tx.execute(text(told))).mappings().all()\n"
                "    if rows:\n"
                "        producer = relay.new_producer(relay.KAFKA, 'early')\n"
                "        await producer.start()\n"
                "        await relay._send(producer, sorted(rows, key=lambda row: row['id']))\n"
                "        await producer.stop()\n\n\n"
                "def _first_copies(",
            ),
            Patch(_RELAY, "        self._service, self._kafka,", "        globals()['KAFKA'] = kafka\n        self._service, self._kafka,"),
        ),
        "crash points",
        _crash("intake: inbox written, not committed"),
        ("which is not in intake",),
    ),
    Mutant(
        "argument-less commit()",
        (Patch(_LOOP, "consumer.commit(dict(ends))", "consumer.commit()"),),
        "kit: test_consumer_settings",
        _kit("test_consumer_settings.py", "committed_by_number"),
        ("FAILED", "AssertionError"),
    ),
    Mutant(
        "evidence sealed without being hashed again",
        (Patch(f"{_KIT}/blobs/folder.py", "if writing.hexdigest() != sha256:", "if False:"),),
        "records: test_evidence",
        (*_PYTEST, "services/records/tests/test_evidence.py", "-k", "never_taken"),
        ("FAILED", "AssertionError"),
    ),
    Mutant(
        "the sealer without its lock",
        (
            Patch(
                "services/records/truth_records/sealer.py",
                'await connection.fetchval("SELECT pg_try_advisory_lock($1)", SEALER_LOCK)',
                'await connection.fetchval("SELECT true")',
            ),
        ),
        "records: test_sealer",
        (*_PYTEST, "services/records/tests/test_sealer.py", "-k", "stands_by"),
        ("FAILED", "AssertionError"),
    ),
)  # fmt: skip
