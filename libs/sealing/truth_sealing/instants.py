"""The one form in which a time stands in sealed texts: `YYYY-MM-DDTHH:MM:SS.sssZ`."""

import re
from datetime import UTC, datetime

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""No time on the path lies before it."""


def read_instant(text: str) -> datetime | None:
    """The instant that `text` writes in this form and no other; None otherwise, and before 1970."""
    if not _FORM.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at >= EPOCH else None
