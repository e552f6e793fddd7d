"""What the commands that look end with."""

from enum import IntEnum


class Exit(IntEnum):
    """Not known is never taken for well."""

    WELL = 0
    NOT_WELL = 1
    UNKNOWN = 2
    NOT_FOUND = 3
