"""The log's Merkle tree (RFC 6962 section 2.1): its hashes, and how proofs are checked."""

import hashlib
from collections.abc import Iterator, Sequence

HASH_BYTES = 32
PROOF_HASHES_MAX = 63
"""Longest proof there is: sizes are below 2^63."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""

Range = tuple[int, int]
"""Leaves from the first number up to, not including, the second."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one log entry, 32 bytes (RFC 6962 section 2.1).

    `entry` is the entry exactly as published; a re-encoded copy hashes differently.
    """
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash over two subtrees, 32 bytes (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Root over a power of two of sibling hashes."""
    row, sha256 = hashes, hashlib.sha256  # the hot loop of every proof: no call of node_hash here
    while len(row) > 1:
        pairs = zip(row[::2], row[1::2], strict=True)
        row = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return row[0]


def joined(subtrees: Sequence[bytes]) -> bytes:
    """Root over neighbouring perfect subtrees of falling size: the right edge of a tree."""
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = node_hash(left, root)
    return root


def split(width: int) -> int:
    """Largest power of two below `width` (at least 2): where RFC 6962 divides a tree."""
    return 1 << ((width - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Subtrees whose roots prove leaf `index` in the tree of `size`, from the leaf's sibling upwards."""
    start, end, ranges = 0, size, list[Range]()
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Subtrees whose roots prove that the tree of `new` leaves begins with that of `old` (RFC 6962 2.1.2).

    Empty when the sizes are equal, and for an old tree without leaves, which every tree begins with.
    """
    if old in (0, new):
        return []
    start, end, ranges = 0, new, list[Range]()
    while old != end:
        middle = start + split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    # The verifier knows the old root, so a subtree that is the whole old tree is left out.
    return ([(start, end)] if start else []) + ranges[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows `leaf` at `index` in the tree of `size` leaves (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    reached, node, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return False  # longer than the path to the root
        if node & 1 or node == last:
            reached = node_hash(sibling, reached)
            while not node & 1:  # levels on which the right edge has no sibling; node is not 0 here
                node, last = node >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and reached == root


def check_consistency(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the new tree begins with the old one; each is (size, root).

    RFC 9162 section 2.1.4.2. Equal sizes need equal roots and no proof; an empty old tree needs no proof.
    """
    (old_size, old_root), (new_size, new_root) = old, new
    if not 0 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    return _reaches_both(old, new, iter(proof))


def _reaches_both(old: tuple[int, bytes], new: tuple[int, bytes], proof: Iterator[bytes]) -> bool:
    node, last = old[0] - 1, new[0] - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # A power of two: the old root itself is the first node of the proof, and is not repeated in it.
    first = old[1] if node == 0 else next(proof, b"")
    old_reached = new_reached = first
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_reached, new_reached = node_hash(sibling, old_reached), node_hash(sibling, new_reached)
            while not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new_reached = node_hash(new_reached, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old_reached == old[1] and new_reached == new[1]
