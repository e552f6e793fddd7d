"""The appending edge: batches, restarts after any of them, and proofs from memory."""

import random
from itertools import pairwise

import pytest
from truth_sealing.edge import Edge, EdgeError, open_widths
from truth_sealing.proof import proof_of_lines, proof_text
from truth_sealing.tiles import TILE_WIDTH, TileAddress, inclusion_proof, inclusion_tiles, root_at
from truth_sealing.tree import check_inclusion, leaf_hash, perfect_root

LEAVES = [leaf_hash(b"entry %d" % number) for number in range(2 * 65_536 + 1_500)]


NO_TILES: list[list[bytes]] = []


class Store:
    """What the database holds: leaves and full tiles, inserted and never changed."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.tiles: dict[tuple[int, int], tuple[bytes, bytes]] = {}

    def open_tiles(self) -> list[list[bytes]]:
        """What `Edge.restore` asks for."""
        size, levels = len(self.leaves), list[list[bytes]]()
        for level, width in enumerate(open_widths(size)):
            count = size >> 8 * level
            row = range(count - width, count)
            levels.append([self.leaves[n] if level == 0 else self.tiles[level - 1, n][1] for n in row])
        return levels

    def read(self, address: TileAddress) -> bytes:
        """A tile, full or not."""
        if address.width == TILE_WIDTH:
            return self.tiles[address.level, address.n][0]
        row = range(address.n * TILE_WIDTH, address.n * TILE_WIDTH + address.width)
        return b"".join(
            self.leaves[n] if address.level == 0 else self.tiles[address.level - 1, n][1] for n in row
        )


def grown(store: Store, edge: Edge, count: int) -> Edge:
    """Append, store, and compare every proof from memory with the proof from the store."""
    first = edge.size
    appended = edge.append(LEAVES[first : first + count])
    store.leaves += LEAVES[first : first + count]
    for tile in appended.tiles:
        assert (tile.level, tile.n) not in store.tiles
        store.tiles[tile.level, tile.n] = tile.hashes, tile.root
    size = appended.edge.size
    assert appended.edge.root == root_at(size, store.read)
    for index in {first, first + count // 2, first + count - 1} if count else set[int]():
        proof = appended.inclusion(index)
        assert proof == inclusion_proof(index, size, store.read)
        assert check_inclusion(LEAVES[index], index, size, proof, appended.edge.root)
        assert proof_of_lines(index, appended.inclusion_lines(index), "x") == proof_text(index, proof, "x")
    return appended.edge


def test_batches_of_any_size_with_a_restart_after_each() -> None:
    chance, store, edge = random.Random(3), Store(), Edge()  # noqa: S311 seeded on purpose
    sizes = [0, 1, 1, 2, 250, 2, 1, 255, 256, 257, 65_000]
    sizes += [chance.choice([1, 2, 3, 7, 100, 256, 500, 513]) for _ in range(400)]
    for count in sizes:
        edge = grown(store, edge, min(count, len(LEAVES) - edge.size))
        assert Edge.restore(edge.size, store.open_tiles()) == edge
    assert edge.size > 2**16
    assert (1, 0) in store.tiles


def test_batches_of_many_sizes_from_every_kind_of_edge() -> None:
    for start in (0, 1, 255, 256, 300):
        for count in (*range(1, 20), 128, 254, 255, 256, 257, 300):
            store = Store()
            grown(store, grown(store, Edge(), start), count)


def test_every_proof_of_a_batch_equals_the_stored_one() -> None:
    store = Store()
    edge = grown(store, Edge(), 700)
    appended = edge.append(LEAVES[700:1200])
    grown(store, edge, 500)
    for index in range(700, 1200):
        assert appended.inclusion(index) == inclusion_proof(index, 1200, store.read)


def test_an_append_leaves_the_edge_as_it_was() -> None:
    edge = Edge().append(LEAVES[:300]).edge
    before = edge.root
    edge.append(LEAVES[300:900])
    assert (edge.size, edge.root) == (300, before)


def test_a_proof_reads_at_most_two_tiles_a_level() -> None:
    for size in (70_000, 131_000):
        for index in range(0, size, 997):
            levels = [address.level for address in inclusion_tiles(index, size)]
            assert all(levels.count(level) <= 2 for level in levels)


def test_past_sizes_are_proved_from_tiles_filled_since() -> None:
    store = Store()
    grown(store, Edge(), 70_000)
    roots = {size: root_at(size, store.read) for size in (1, 255, 256, 257, 5_000, 65_535, 65_536, 69_999)}
    for size, root in roots.items():
        proof = inclusion_proof(size - 1, size, store.read)
        assert check_inclusion(LEAVES[size - 1], size - 1, size, proof, root)


def test_full_tiles_hold_their_hashes_and_root() -> None:
    for tile in Edge().append(LEAVES[:66_000]).tiles:
        bounds = range(0, len(tile.hashes) + 1, 32)
        assert perfect_root([tile.hashes[start:end] for start, end in pairwise(bounds)]) == tile.root


@pytest.mark.parametrize(
    ("size", "open_tiles"),
    [(1, NO_TILES), (1, [[b"short"]]), (257, [LEAVES[:1]]), (2, [LEAVES[:1]]), (0, [LEAVES[:1]])],
)
def test_open_tiles_that_do_not_fit_the_size_are_refused(size: int, open_tiles: list[list[bytes]]) -> None:
    with pytest.raises(EdgeError):
        Edge.restore(size, open_tiles)
