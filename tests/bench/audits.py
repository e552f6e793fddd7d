"""A whole audit, from the bodies up, beside reading the same rows and hashing each body once."""

import time

from truth_kit.connections import KafkaConnection
from truth_records.auditing import audit
from truth_sealing.canonical import sha256_hex

from tests.bench.logs import Log

_PAGE = 500
_ROWS = "SELECT idx, record_id, subject, body, leaf FROM truth.record WHERE idx >= $1 ORDER BY idx LIMIT $2"


async def audit_us(log: Log, kafka: KafkaConnection) -> float:
    """Microseconds a Record of `python -m truth_records audit --whole`.

    What an audit costs that has nothing new to look at, mostly asking Kafka for what was published, is taken off.
    """
    seconds: list[float] = []
    for is_whole in (True, False):
        started = time.perf_counter()
        result = await audit(log.database, kafka, log.key, is_whole=is_whole)
        seconds.append(time.perf_counter() - started)
        assert result.is_clean, result.findings
        assert result.to_size == log.edge.size
    return (seconds[0] - seconds[1]) / log.edge.size * 1e6


async def read_us(log: Log) -> float:
    """The floor, in microseconds a Record."""
    started, first = time.perf_counter(), 0
    while rows := await log.app.fetch(_ROWS, first, _PAGE):
        for row in rows:
            sha256_hex(row["body"])
        first += len(rows)
    return (time.perf_counter() - started) / first * 1e6
