"""The outbox: what goes in, and what never gets in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truth_contracts.envelope import to_kafka
from truth_contracts.topics import JOBS_CHANGED
from truth_kit import outbox
from truth_kit.database import Database
from truth_kit.outbox import MessageTooLargeError, pack_headers, unpack_headers
from truth_kit.testing import published

from libs.kit.tests.hop_sample import job_changed


async def test_messages_keep_their_order_and_their_bytes(database: Database) -> None:
    messages = [to_kafka(job_changed(version=version)) for version in range(1, 601)]
    async with database.begin() as tx:
        await outbox.add(tx, messages)
    assert await published(database) == messages


async def test_what_the_broker_would_refuse_is_not_accepted(database: Database) -> None:
    message = to_kafka(job_changed())
    async with database.begin() as tx:
        with pytest.raises(MessageTooLargeError):
            await outbox.add(tx, [replace(message, value=b"x" * JOBS_CHANGED.bytes_max)])
    assert await published(database) == []


@given(st.lists(st.tuples(st.text(), st.binary())).map(tuple))
def test_headers_survive_whatever_they_hold(headers: tuple[tuple[str, bytes], ...]) -> None:
    packed = pack_headers(headers)
    assert "\0" not in packed
    assert unpack_headers(packed) == headers
