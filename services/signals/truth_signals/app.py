"""Puts the parts together; no rule, no query."""

from importlib.metadata import version
from importlib.resources import files

from truth_kit.lifecycle import Service
from truth_sealing.keyring import read_keyring
from truth_sealing.keys import FileSigner
from truth_sealing.logged import Trust
from truth_sealing.policy import parse_policy

from truth_signals import api, consumer
from truth_signals.consumer import Means
from truth_signals.domain.policy import SignalPolicy, read_policy
from truth_signals.ops import OPS
from truth_signals.pages import pages
from truth_signals.settings import Settings


def service() -> Service:
    """Signals as its settings describe it. Raises OSError or ValueError when a file cannot be used."""
    settings = Settings()  # pyright: ignore[reportCallIssue] filled from the environment
    signer = FileSigner.read(settings.key_name, settings.key_file)
    log_policy, keyring = settings.log_policy_file.read_bytes(), settings.keys_file.read_bytes()
    pinned = Trust(parse_policy(log_policy), read_keyring(keyring))
    policy = _policy(settings)
    return Service(
        name="signals",
        version=version("truth-signals"),
        http=settings.http,
        database=settings.database,
        kafka=settings.kafka,
        issuer=settings.issuer,
        replica=settings.replica,
        routes=consumer.routes(Means(pinned, policy, signer, signer.verify_key.key_id)),
        routers=(api.router,),
        ops=OPS,
        state={"policy": policy},
        pages=pages(settings.sign_in, settings.links),
    )


def _policy(settings: Settings) -> SignalPolicy:
    packaged = files("truth_signals") / "policy.json"
    return read_policy((settings.policy_file or packaged).read_bytes())
