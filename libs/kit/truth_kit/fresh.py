"""What only an edge may make: the time, a new id, a salt. Decisions get them as data."""

import base64
import secrets
from datetime import UTC, datetime
from uuid import UUID

from truth_contracts.base import to_milliseconds
from uuid_utils.compat import uuid7


def utc_now() -> datetime:
    """The present, aware UTC, cut to the milliseconds that contracts carry."""
    return to_milliseconds(datetime.now(UTC))


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): ids made later sort later, and tell the time of their birth."""
    return uuid7()


def new_salt() -> str:
    """16 random bytes in base64, from the operating system's source."""
    return base64.b64encode(secrets.token_bytes(16)).decode("ascii")
