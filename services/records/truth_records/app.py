"""Puts the parts together; no rule, no query."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from importlib.metadata import version

from aiokafka.errors import KafkaError
from truth_kit.blobs import blobs_at
from truth_kit.connections import DATABASE_ERRORS
from truth_kit.database import Database
from truth_kit.lifecycle import Service
from truth_sealing.keyring import read_keyring
from truth_sealing.keys import FileSigner, KeyFormatError, read_vkeys
from truth_sealing.policy import parse_policy

from truth_records import auditing, consumer
from truth_records.api import log, ops, records
from truth_records.api.log import Published
from truth_records.bell import Bell
from truth_records.domain.log import LogKey
from truth_records.evidence import Copier
from truth_records.ops import OPS
from truth_records.pages import pages
from truth_records.sealer import Sealer
from truth_records.settings import Settings


def service() -> Service:
    """Records as its settings describe it. Raises OSError or ValueError when a key file cannot be used."""
    settings = _settings()
    step_keys = read_vkeys(settings.step_keys_file.read_text(encoding="ascii"))
    for_evidence, for_sealer = Bell(), Bell()
    source, own = blobs_at(settings.evidence_source), blobs_at(settings.evidence)
    copier = Copier(source, own, drafted=for_evidence, copied=for_sealer)
    sealer = Sealer(_log_key(settings), settings.kafka, for_sealer)
    return Service(
        name="records",
        version=version("truth-records"),
        http=settings.http,
        database=settings.database,
        kafka=settings.kafka,
        issuer=settings.issuer,
        replica=settings.replica,
        routes=consumer.routes(step_keys, (for_evidence, for_sealer)),
        routers=(records.router, log.router, ops.router),
        ops=OPS,
        tasks={"evidence": copier.run, "sealer": sealer.run, "audit": auditing.tell},
        state={"published": _published(settings), "sealer": sealer, "copier": copier, "evidence": own},
        pages=pages(settings.sign_in, settings.links),
    )


def audit(argv: Sequence[str]) -> int:
    """Audit the log; 0 when nothing is found, 1 when something is, 2 when it could not be found out."""
    parser = argparse.ArgumentParser(prog="truth-records audit", description=auditing.audit.__doc__)
    parser.add_argument("--whole", action="store_true", help="from the first entry, not from the last audit")
    return asyncio.run(_audit(_settings(), is_whole=parser.parse_args(argv).whole))


async def _audit(settings: Settings, *, is_whole: bool) -> int:
    database = Database(settings.database, "records")
    try:
        result = await auditing.audit(database, settings.kafka, _log_key(settings), is_whole=is_whole)
    except (*DATABASE_ERRORS, KafkaError) as error:
        sys.stderr.write(f"could not find out: {error!r}\n")
        return 2
    finally:
        await database.close()
    sys.stdout.write(
        f"{auditing.told(result)}\n{result.findings}\n" if result.findings else f"{auditing.told(result)}\n"
    )
    return 0 if result.is_clean else 1


def _settings() -> Settings:
    return Settings()  # pyright: ignore[reportCallIssue] filled from the environment


def _log_key(settings: Settings) -> LogKey:
    signer = FileSigner.read(settings.log_origin, settings.log_key_file)
    pinned = tuple(key for key in parse_policy(settings.log_policy_file.read_bytes()).logs)
    if signer.verify_key not in pinned:
        raise KeyFormatError(f"the policy does not list the key of {settings.log_origin}")
    return LogKey(signer, signer.verify_key.key_id, pinned)


def _published(settings: Settings) -> Published:
    keys = settings.keys_file.read_bytes()
    read_keyring(keys)  # what verifiers cannot read is not published
    return Published(settings.log_policy_file.read_bytes(), keys)
