"""Tiles of 256 hashes (C2SP tlog-tiles): their addresses, and proofs at any past size read out of them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from truth_sealing.tree import (
    EMPTY_ROOT,
    HASH_BYTES,
    Range,
    consistency_ranges,
    inclusion_ranges,
    joined,
    perfect_root,
)

TILE_WIDTH = 256
TILE_HEIGHT = 8  # 2^8 hashes
_LEVEL_MAX = 63
_PATH = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}")


@dataclass(frozen=True, slots=True, order=True)
class TileAddress:
    """One tile as a tree of some size has it: `width` is 256 when full, else the hashes at its beginning.

    At level 0 the hashes are leaf hashes; at level L each is the root of a full tile of level L - 1.
    """

    level: int
    n: int
    width: int = TILE_WIDTH


TileReader = Callable[[TileAddress], bytes]
"""The tile's hashes joined: at least `width` of 32 bytes each, or more when it was filled since."""


@dataclass(frozen=True, slots=True)
class _Subtree:
    """A perfect subtree: 2^height leaves, the index-th of that height."""

    height: int
    index: int

    @property
    def level(self) -> int:
        return self.height // TILE_HEIGHT

    @property
    def first(self) -> int:
        """Position of its first hash within its level."""
        return self.index << (self.height % TILE_HEIGHT)

    @property
    def width(self) -> int:
        """How many hashes of its level it spans; they all lie in one tile."""
        return 1 << (self.height % TILE_HEIGHT)


def inclusion_proof(index: int, size: int, read: TileReader) -> list[bytes]:
    """Proof of leaf `index` in the tree of `size` leaves, any size the log has had."""
    return _roots(inclusion_ranges(index, size), size, read)


def consistency_proof(old: int, new: int, read: TileReader) -> list[bytes]:
    """Proof that the tree of `new` leaves begins with the tree of `old`."""
    return _roots(consistency_ranges(old, new), new, read)


def root_at(size: int, read: TileReader) -> bytes:
    """Root of the tree of `size` leaves."""
    return _roots([(0, size)], size, read)[0] if size else EMPTY_ROOT


def inclusion_tiles(index: int, size: int) -> list[TileAddress]:
    """The tiles that `inclusion_proof` reads, at most two a level: for who must fetch them beforehand."""
    return _tiles(inclusion_ranges(index, size), size)


def consistency_tiles(old: int, new: int) -> list[TileAddress]:
    """The tiles that `consistency_proof` reads."""
    return _tiles(consistency_ranges(old, new), new)


def root_tiles(size: int) -> list[TileAddress]:
    """The tiles that `root_at` reads: the open tile of each level."""
    return _tiles([(0, size)], size)


def tile_at(level: int, n: int, size: int) -> TileAddress | None:
    """Tile `n` of `level` as the tree of `size` has it; None when that tree has no hash in it."""
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - n * TILE_WIDTH)
    return TileAddress(level, n, width) if width > 0 else None


def tile_path(address: TileAddress) -> str:
    """What follows `<prefix>/tile/<L>/` for this tile, and `<prefix>/tile/entries/` for its entries."""
    groups = [f"{address.n % 1000:03}"]
    rest = address.n // 1000
    while rest:
        groups.append(f"x{rest % 1000:03}")
        rest //= 1000
    return "/".join(reversed(groups)) + ("" if address.width == TILE_WIDTH else f".p/{address.width}")


def read_tile_path(level: str, path: str) -> TileAddress | None:
    """The tile that a requested level and path name; None unless written exactly as by `tile_path`."""
    index, partial, width = path.partition(".p/")
    if len(path) > 64 or not _PATH.fullmatch(index) or not _is_number(level, _LEVEL_MAX):  # noqa: PLR2004 longer than any index
        return None
    if partial and not (_is_number(width, TILE_WIDTH - 1) and width != "0"):
        return None
    n = int(index.replace("x", "").replace("/", ""))
    address = TileAddress(int(level), n, int(width) if partial else TILE_WIDTH)
    return address if tile_path(address) == path else None


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries in the form of `<prefix>/tile/entries/`: each behind its length in two bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def _is_number(digits: str, maximum: int) -> bool:
    return bool(re.fullmatch(r"0|[1-9][0-9]{0,2}", digits)) and int(digits) <= maximum


def _subtrees(leaves: Range) -> list[_Subtree]:
    """The perfect subtrees that make up `leaves`, a range as RFC 6962 divides trees: from large to small."""
    start, end = leaves
    subtrees: list[_Subtree] = []
    while start < end:
        height = (end - start).bit_length() - 1
        subtrees.append(_Subtree(height, start >> height))
        start += 1 << height
    return subtrees


def _address(subtree: _Subtree, size: int) -> TileAddress:
    n = subtree.first // TILE_WIDTH
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * subtree.level) - n * TILE_WIDTH)
    return TileAddress(subtree.level, n, width)


def _tiles(ranges: Sequence[Range], size: int) -> list[TileAddress]:
    return sorted({_address(subtree, size) for leaves in ranges for subtree in _subtrees(leaves)})


def _roots(ranges: Sequence[Range], size: int, read: TileReader) -> list[bytes]:
    tiles = {address: read(address) for address in _tiles(ranges, size)}

    def root(subtree: _Subtree) -> bytes:
        tile, first = tiles[_address(subtree, size)], subtree.first % TILE_WIDTH
        bounds = range(first * HASH_BYTES, (first + subtree.width + 1) * HASH_BYTES, HASH_BYTES)
        return perfect_root([tile[start:end] for start, end in pairwise(bounds)])

    return [joined([root(subtree) for subtree in _subtrees(leaves)]) for leaves in ranges]
