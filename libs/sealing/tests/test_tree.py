"""The tree against RFC 6962's recursive definition, and its proofs against a flipped bit."""

import random
from collections.abc import Callable, Sequence
from functools import cache

import pytest
from truth_sealing.edge import Edge
from truth_sealing.tiles import TILE_WIDTH, TileAddress, consistency_proof, inclusion_proof, root_at
from truth_sealing.tree import (
    EMPTY_ROOT,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
    perfect_root,
)

LEAVES = [leaf_hash(b"entry %d" % number) for number in range(1_200)]


@cache
def mth(start: int, end: int) -> bytes:
    """RFC 6962 section 2.1, over LEAVES[start:end]."""
    if end - start < 2:
        return LEAVES[start] if start < end else EMPTY_ROOT
    k = 1 << (end - start - 1).bit_length() - 1
    return node_hash(mth(start, start + k), mth(start + k, end))


def inclusion(index: int, start: int, end: int) -> list[bytes]:
    """RFC 6962 section 2.1.1."""
    if end - start == 1:
        return []
    k = start + (1 << (end - start - 1).bit_length() - 1)
    if index < k:
        return [*inclusion(index, start, k), mth(k, end)]
    return [*inclusion(index, k, end), mth(start, k)]


def consistency(old: int, start: int, end: int, *, is_whole: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2."""
    if old == end:
        return [] if is_whole else [mth(start, end)]
    k = start + (1 << (end - start - 1).bit_length() - 1)
    if old <= k:
        return [*consistency(old, start, k, is_whole=is_whole), mth(k, end)]
    return [*consistency(old, k, end, is_whole=False), mth(start, k)]


def reader(leaves: Sequence[bytes]) -> Callable[[TileAddress], bytes]:
    """The stored tree: leaves, and a root for each full tile of the level below."""
    levels = [list(leaves)]
    while len(levels[-1]) >= TILE_WIDTH:
        below = levels[-1]
        full = range(0, len(below) - TILE_WIDTH + 1, TILE_WIDTH)
        levels.append([perfect_root(below[i : i + TILE_WIDTH]) for i in full])

    def read(address: TileAddress) -> bytes:
        first = address.n * TILE_WIDTH
        return b"".join(levels[address.level][first : first + TILE_WIDTH])

    return read


def flipped(proof: Sequence[bytes], chance: random.Random) -> list[bytes]:
    position, bit = chance.randrange(len(proof)), chance.randrange(256)
    changed = (int.from_bytes(proof[position], "big") ^ 1 << bit).to_bytes(32, "big")
    return [*proof[:position], changed, *proof[position + 1 :]]


def is_read(size: int) -> bool:
    """Whether the proofs are also read out of tiles: small trees, and those around a full tile."""
    return size <= 66 or size in (128, 200, 255, 256, 257, 300)


def test_every_size_has_the_root_of_the_recursive_definition() -> None:
    read = reader(LEAVES)
    for size in range(len(LEAVES) + 1):
        assert Edge().append(LEAVES[:size]).edge.root == root_at(size, read) == mth(0, size)


def test_every_inclusion_proof_up_to_300_and_none_with_a_flipped_bit() -> None:
    chance, read = random.Random(6962), reader(LEAVES)  # noqa: S311 seeded on purpose
    for size in range(1, 301):
        root = mth(0, size)
        for index in range(size):
            proof, leaf = inclusion(index, 0, size), LEAVES[index]
            if is_read(size):
                assert inclusion_proof(index, size, read) == proof
            assert check_inclusion(leaf, index, size, proof, root)
            if proof:
                assert not check_inclusion(leaf, index, size, flipped(proof, chance), root)


def test_every_consistency_proof_up_to_300_and_none_with_a_flipped_bit() -> None:
    chance, read = random.Random(9162), reader(LEAVES)  # noqa: S311 seeded on purpose
    for new in range(1, 301):
        for old in range(1, new + 1):
            proof = consistency(old, 0, new, is_whole=True)
            heads = (old, mth(0, old)), (new, mth(0, new))
            if is_read(new):
                assert consistency_proof(old, new, read) == proof
            assert check_consistency(*heads, proof)
            if proof:
                assert not check_consistency(*heads, flipped(proof, chance))


def test_random_proofs_at_a_million_leaves() -> None:
    chance, size = random.Random(1), 1_000_000  # noqa: S311 seeded on purpose
    leaves = [number.to_bytes(32, "big") for number in range(size)]  # any 32 bytes can be a leaf hash
    read, edge = reader(leaves), Edge().append(leaves).edge
    for _ in range(50):
        index, old = chance.randrange(size), chance.randrange(1, size)
        proof = inclusion_proof(index, size, read)
        assert check_inclusion(leaves[index], index, size, proof, edge.root)
        assert not check_inclusion(leaves[index], index, size, flipped(proof, chance), edge.root)
        heads, proof = ((old, root_at(old, read)), (size, edge.root)), consistency_proof(old, size, read)
        assert check_consistency(*heads, proof)
        assert not check_consistency(*heads, flipped(proof, chance))


@pytest.mark.parametrize(("index", "size"), [(7, 7), (8, 7), (-1, 7), (0, 0)])
def test_a_leaf_outside_the_tree_is_not_included(index: int, size: int) -> None:
    assert not check_inclusion(LEAVES[6], index, size, inclusion(6, 0, 7), mth(0, 7))


def test_sizes_and_indexes_that_no_tree_has_are_refused_whatever_the_roots() -> None:
    assert not check_inclusion(LEAVES[0], 1, 1, [], LEAVES[0])
    assert not check_inclusion(LEAVES[0], 5, 1, [], LEAVES[0])
    assert not check_consistency((3, LEAVES[0]), (1, LEAVES[0]), [LEAVES[0]])


def test_a_root_made_to_fit_a_proof_of_another_length_is_refused() -> None:
    first, second, pair = LEAVES[0], LEAVES[1], mth(0, 2)
    assert not check_inclusion(second, 0, 1, [first], pair)  # a proof that goes on above the root
    assert not check_inclusion(first, 0, 4, [second], pair)  # one that ends below it
    assert not check_consistency((1, first), (4, pair), [second])
    proof, above = consistency(3, 0, 4, is_whole=True), LEAVES[9]
    heads = (3, node_hash(above, mth(0, 3))), (4, node_hash(above, mth(0, 4)))
    assert not check_consistency(*heads, [*proof, above])


def test_a_proof_of_another_length_is_refused() -> None:
    proof, root = inclusion(6, 0, 7), mth(0, 7)
    assert not check_inclusion(LEAVES[6], 6, 7, proof[:-1], root)
    assert not check_inclusion(LEAVES[6], 6, 7, [*proof, bytes(32)], root)
    assert not check_inclusion(LEAVES[0], 0, 1, [bytes(32)], LEAVES[0])
    proof, heads = consistency(3, 0, 7, is_whole=True), ((3, mth(0, 3)), (7, mth(0, 7)))
    assert not check_consistency(*heads, proof[:-1])
    assert not check_consistency(*heads, [*proof, bytes(32)])
    assert not check_consistency(*heads, [])


def test_consistency_needs_both_roots() -> None:
    proof = consistency(3, 0, 7, is_whole=True)
    assert not check_consistency((3, mth(0, 4)), (7, mth(0, 7)), proof)
    assert not check_consistency((3, mth(0, 3)), (7, mth(0, 6)), proof)
    assert not check_consistency((7, mth(0, 7)), (3, mth(0, 3)), proof)
    assert not check_consistency((-1, mth(0, 3)), (7, mth(0, 7)), proof)


def test_equal_and_empty_trees_are_consistent_without_a_proof() -> None:
    head = (7, mth(0, 7))
    assert check_consistency(head, head, [])
    assert not check_consistency(head, (7, mth(0, 6)), [])
    assert not check_consistency(head, head, [bytes(32)])
    assert check_consistency((0, EMPTY_ROOT), head, consistency_proof(0, 7, reader(LEAVES)))
    assert not check_consistency((0, mth(0, 1)), head, [])
    assert not check_consistency((0, EMPTY_ROOT), head, [bytes(32)])
    assert root_at(0, reader([])) == Edge().root == EMPTY_ROOT
