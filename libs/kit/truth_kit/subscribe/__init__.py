"""Kafka in: the one way to consume.

`route` says what, `arrivals` puts in order, `reading` parses, `decide` acts in one transaction (`singly`: in
one for each message), `consumer` is what FastStream is told, and `subscription` keeps it all going.
"""

from truth_kit.subscribe.decide import Decided, decide
from truth_kit.subscribe.lag import ConsumerFacts
from truth_kit.subscribe.route import AnyRoute, Arrival, Handler, RefusedHandler, Route
from truth_kit.subscribe.subscription import Subscription

__all__ = [
    "AnyRoute",
    "Arrival",
    "ConsumerFacts",
    "Decided",
    "Handler",
    "RefusedHandler",
    "Route",
    "Subscription",
    "decide",
]
