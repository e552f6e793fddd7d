"""What ops sees of one service: where work waits, one request's steps here, and the guardrails as counts.

`told` is what a service says of its own tables, `asking` runs it, `api` answers, `exposition` is `/metrics`.
"""

from truth_kit.ops.told import Invariant, Ops

__all__ = ["Invariant", "Ops"]
