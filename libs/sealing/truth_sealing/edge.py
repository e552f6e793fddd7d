"""The appending edge of the log: what must be in memory to grow the tree and to prove what was just added."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from truth_sealing.tiles import TILE_HEIGHT, TILE_WIDTH
from truth_sealing.tree import EMPTY_ROOT, HASH_BYTES, joined, node_hash, perfect_root


class EdgeError(ValueError):
    """The open tiles do not fit the size they were given for."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A full tile, as stored: its 256 hashes joined (8,192 bytes), and the root over them."""

    level: int
    n: int
    hashes: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class _Row:
    """Neighbouring nodes of one height: those that an append touched, and the left sibling they lean on."""

    first: int
    hashes: list[bytes]

    def get(self, index: int) -> bytes | None:
        position = index - self.first
        return self.hashes[position] if 0 <= position < len(self.hashes) else None


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree of `size` leaves. Never changes: an append returns the next edge.

    `open_tiles[L]` holds the hashes of level L that are not in a full tile, at most 255. `stack[h]` is the
    perfect subtree of 2^h leaves on the edge, None where `size` has no such bit.
    """

    size: int = 0
    open_tiles: tuple[tuple[bytes, ...], ...] = ()
    stack: tuple[bytes | None, ...] = ()

    @classmethod
    def restore(cls, size: int, open_tiles: Sequence[Sequence[bytes]]) -> Self:
        """The edge of a tree of `size`, from what is stored.

        `open_tiles[0]` are the last `size % 256` leaf hashes; `open_tiles[L]` the roots of the last
        `(size >> 8 L) % 256` full tiles of level L - 1; as many levels as `size >> 8 L` is not 0.
        Raises EdgeError when the counts do not fit. The root must still be compared with a checkpoint's.
        """
        expected = open_widths(size)
        if [len(hashes) for hashes in open_tiles] != expected:
            raise EdgeError(f"a tree of {size} has open tiles of {expected} hashes")
        if any(len(octets) != HASH_BYTES for hashes in open_tiles for octets in hashes):
            raise EdgeError("a hash is not 32 bytes long")
        stack: list[bytes | None] = []
        for hashes in open_tiles:
            stack += _stack_of(hashes)
        return cls(size, tuple(tuple(hashes) for hashes in open_tiles), tuple(stack[: size.bit_length()]))

    @property
    def root(self) -> bytes:
        """Root of the tree, 32 bytes."""
        return joined([octets for octets in reversed(self.stack) if octets]) if self.size else EMPTY_ROOT

    def append(self, leaves: Sequence[bytes]) -> "Appended":
        """The tree grown by `leaves` (leaf hashes): the new edge, the tiles it filled, and proofs."""
        size, rows = self.size + len(leaves), self._rows(leaves)
        stack = tuple(self._perfect(height, size, rows) for height in range(size.bit_length()))
        levels = [self._open_and_filled(level, rows) for level in range(len(open_widths(size)))]
        edge = Edge(size, tuple(hashes for hashes, _ in levels), stack)
        return Appended(edge, tuple(tile for _, filled in levels for tile in filled), self, rows)

    def _rows(self, leaves: Sequence[bytes]) -> list[_Row]:
        rows: list[_Row] = []
        first, hashes = self.size, list(leaves)
        while hashes:
            left = self.stack[len(rows)] if first & 1 and len(rows) < len(self.stack) else None
            if left is not None:
                first, hashes = first - 1, [left, *hashes]
            rows.append(_Row(first, hashes))
            pairs = range(0, len(hashes) - 1, 2)
            first, hashes = first >> 1, [node_hash(hashes[i], hashes[i + 1]) for i in pairs]
        return rows

    def _perfect(self, height: int, size: int, rows: Sequence[_Row]) -> bytes | None:
        if not size >> height & 1:
            return None
        fresh = rows[height].get((size >> height) - 1) if height < len(rows) else None
        return fresh or self.stack[height]

    def _open_and_filled(self, level: int, rows: Sequence[_Row]) -> tuple[tuple[bytes, ...], list[Tile]]:
        before = self.open_tiles[level] if level < len(self.open_tiles) else ()
        height, known = TILE_HEIGHT * level, self.size >> TILE_HEIGHT * level
        row = rows[height] if height < len(rows) else _Row(known, [])
        hashes, n = [*before, *row.hashes[known - row.first :]], known // TILE_WIDTH
        full = len(hashes) // TILE_WIDTH
        above = rows[height + TILE_HEIGHT] if full else _Row(0, [])
        filled = [
            Tile(
                level,
                n + k,
                b"".join(hashes[k * TILE_WIDTH : (k + 1) * TILE_WIDTH]),
                above.hashes[n + k - above.first],
            )
            for k in range(full)
        ]
        return tuple(hashes[full * TILE_WIDTH :]), filled


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append made. Proofs are read from memory: every tile they touch is open or was just filled."""

    edge: Edge
    tiles: tuple[Tile, ...]
    _before: Edge
    _rows: Sequence[_Row]
    _lines: dict[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])

    def inclusion(self, index: int) -> list[bytes]:
        """Proof of one of the appended leaves in the tree of `edge.size`."""
        siblings = [self._sibling(height, index >> height) for height in range(self._heights)]
        return [sibling for sibling in siblings if sibling]

    def inclusion_lines(self, index: int) -> str:
        """The same proof as the lines of a tlog-proof; neighbours share what they have in common."""
        return self._lines_from(0, index)

    @property
    def _heights(self) -> int:
        return (self.edge.size - 1).bit_length()

    def _lines_from(self, height: int, node: int) -> str:
        if height >= self._heights:
            return ""
        lines = self._lines.get((height, node))
        if lines is None:
            sibling = self._sibling(height, node)
            own = base64.b64encode(sibling).decode() + "\n" if sibling else ""
            lines = own + self._lines_from(height + 1, node >> 1)
            self._lines[height, node] = lines
        return lines

    def _sibling(self, height: int, node: int) -> bytes | None:
        sibling = node ^ 1
        if sibling << height >= self.edge.size:
            return None  # the right edge has no sibling on this level
        row = self._rows[height] if height < len(self._rows) else _Row(0, [])
        known = row.get(sibling)
        if known is not None:
            return known
        if sibling < node:
            return self._before.stack[height]
        return joined([octets for octets in reversed(self.edge.stack[:height]) if octets])


def open_widths(size: int) -> list[int]:
    """How many hashes the open tile of each level has in a tree of `size`."""
    widths: list[int] = []
    while size:
        widths.append(size % TILE_WIDTH)
        size >>= TILE_HEIGHT
    return widths


def _stack_of(hashes: Sequence[bytes]) -> list[bytes | None]:
    """The perfect subtrees, from 1 to 128 hashes of one level, that an open tile ends in."""
    stack: list[bytes | None] = []
    for height in range(TILE_HEIGHT):
        width = 1 << height
        end = len(hashes) // width * width
        stack.append(perfect_root(hashes[end - width : end]) if len(hashes) & width else None)
    return stack
