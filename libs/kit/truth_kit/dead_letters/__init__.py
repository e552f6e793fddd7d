"""Dead letters: what a service would not act on, kept whole, told on a topic, offered again by command.

`letters` keeps them, `topic` tells of them, `redrive` offers one again or dismisses it, `api` and `pages` are
the doors to it.
"""

from truth_kit.dead_letters.letters import DeadLetter, record

__all__ = ["DeadLetter", "record"]
