"""The Record's rules, without I/O."""

from services.records.tests.builders import (
    draft,
)


def test_x():
    d = draft(1)
    print(d.body.decode())
