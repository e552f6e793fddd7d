"""Paths as texts: the canonical texts inside them come back to the byte."""

from pydantic_core import from_json, to_json
from truth_sealing.steps import History


def pack(history: History) -> str:
    """A path, or a piece of one, as one text."""
    return to_json({"steps": history.steps, "chain": history.chain}).decode()


def pack_last(history: History) -> str:
    """The last step of a path as one text."""
    return pack(History(history.steps[-1:], history.chain[-1:]))


def unpack(*packed: str | None) -> History:
    """The path whose pieces these are, in order; a piece that is not there yet is None."""
    pieces = [from_json(piece) for piece in packed if piece is not None]
    return History(
        tuple(step for piece in pieces for step in piece["steps"]),
        tuple(link for piece in pieces for link in piece["chain"]),
    )
