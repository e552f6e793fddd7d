"""How often one address may come to a public door: a bucket for each, in this process's memory."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine

from fastapi import Request
from truth_contracts.refusals import Refusal

from truth_kit.problems import Refused

BUCKETS_MAX = 10_000
"""Buckets kept; the one unused for longest goes, which only ever lets somebody in."""


class Buckets:
    """Token buckets by door and address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, door: str, address: str, per_minute: int, burst: int) -> float:
        """Take one: 0.0, or the seconds until there is one again."""
        now, key = self._clock(), (door, address)
        left, at = self._kept.pop(key, (float(burst), now))
        left = min(burst, left + (now - at) * per_minute / 60)
        waiting = 0.0 if left >= 1 else (1 - left) * 60 / per_minute
        self._kept[key] = (left - 1 if waiting == 0.0 else left, now)
        if len(self._kept) > BUCKETS_MAX:
            self._kept.popitem(last=False)
        return waiting


def limited(door: str, *, per_minute: int, burst: int) -> Callable[[Request], Coroutine[None, None, None]]:
    """A dependency: 429 `too_many_requests`, with Retry-After, for an address that comes too often.

    Behind a proxy the address is the one that uvicorn trusts (FORWARDED_ALLOW_IPS), else the proxy's own.
    """

    async def within(request: Request) -> None:
        buckets: Buckets = request.app.state.buckets
        address = request.client.host if request.client else ""
        waiting = buckets.take(door, address, per_minute, burst)
        if waiting > 0.0:
            detail = f"Too many from your address. Try again in {math.ceil(waiting)} s; nothing was changed."
            raise Refused(Refusal("too_many_requests", detail), retry_seconds=math.ceil(waiting))

    return within
