"""Whatever a sealer does and loses on the way: the log only grows, restores, and forks for nobody."""

# ruff: noqa: D102 the rules' names say what they do

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from truth_records.domain.log import (
    LogStoppedError,
    SealedDraft,
    StoredEdge,
    check_outside,
    newest,
    restore,
    seal,
)
from truth_sealing.checkpoint import Checkpoint
from truth_sealing.edge import Edge, Tile, open_widths
from truth_sealing.tiles import TILE_WIDTH

from services.records.tests.builders import LOG_KEY
from services.records.tests.logs import ready


class LogMachine(RuleBasedStateMachine):
    """What is stored, what was published of it, and the edge in a sealer's memory."""

    def __init__(self) -> None:
        super().__init__()
        self.edge: Edge | None = Edge()
        self.records: list[SealedDraft] = []
        self.tiles: list[Tile] = []
        self.notes: dict[int, str] = {}
        self.roots: dict[int, bytes] = {}
        self.published: list[str] = []

    @rule(count=st.integers(1, 40), is_committed=st.booleans())
    def seal(self, count: int, is_committed: bool) -> None:
        """A batch that is not committed leaves nothing; either way a failure drops the edge."""
        if self.edge is None:
            return
        batch = seal(self.edge, [ready(self.edge.size + number) for number in range(count)], LOG_KEY)
        if not is_committed:
            self.edge = None
            return
        self.records += batch.sealed
        self.tiles += batch.tiles
        self.notes[batch.checkpoint.size] = batch.note
        self.roots[batch.checkpoint.size] = batch.checkpoint.root
        self.edge = batch.edge

    @rule()
    def crash(self) -> None:
        self.edge = None

    @rule()
    def restart(self) -> None:
        edge = restore(self._stored(), LOG_KEY)
        outside = newest(self.published, LOG_KEY)
        check_outside(outside, edge.size, self.roots.get(outside.size) if outside else None)
        assert self.edge in (None, edge)
        self.edge = edge

    @rule(which=st.integers(0, 10))
    def publish(self, which: int) -> None:
        """The relay tells of a checkpoint, in order, perhaps again."""
        if self.notes:
            self.published.append(list(self.notes.values())[min(which, len(self.notes) - 1)])

    @rule()
    def a_database_without_its_last_record_is_not_grown(self) -> None:
        if self.records:
            stored = self._stored()
            fewer = StoredEdge(stored.rows - 1, stored.open_tiles, stored.note)
            with pytest.raises(LogStoppedError):
                restore(fewer, LOG_KEY)

    @rule()
    def a_restored_backup_is_not_grown(self) -> None:
        outside = newest(self.published, LOG_KEY)
        if outside is not None:
            with pytest.raises(LogStoppedError):
                check_outside(outside, outside.size - 1, None)
            with pytest.raises(LogStoppedError):
                check_outside(
                    Checkpoint(outside.origin, outside.size, b"\1" * 32), outside.size, outside.root
                )

    @invariant()
    def the_log_has_no_gap_and_its_head_is_signed(self) -> None:
        assert [one.index for one in self.records] == list(range(len(self.records)))
        if self.records:
            assert max(self.notes) == len(self.records)
        assert len(self.tiles) >= len(self.records) // TILE_WIDTH

    def _stored(self) -> StoredEdge:
        size = len(self.records)
        leaves = [one.leaf for one in self.records]
        roots = [tile.root for tile in self.tiles if tile.level == 0]
        levels = [leaves[size // TILE_WIDTH * TILE_WIDTH :], roots][: len(open_widths(size))]
        return StoredEdge(size, levels, self.notes[size] if size else None)


LogMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_any_order_of_sealing_and_losing = LogMachine.TestCase
