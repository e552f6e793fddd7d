"""Addresses of tiles and entry bundles, as C2SP tlog-tiles writes them."""

import pytest
from truth_sealing.tiles import TileAddress, entry_bundle, read_tile_path, root_tiles, tile_at, tile_path


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (TileAddress(0, 1234067), "x001/x234/067"),  # the specification's example
        (TileAddress(0, 0), "000"),
        (TileAddress(1, 999, 17), "999.p/17"),
        (TileAddress(2, 1000, 255), "x001/000.p/255"),
        (TileAddress(0, 273, 112), "273.p/112"),
    ],
)
def test_a_path_is_written_and_read_back(address: TileAddress, path: str) -> None:
    assert tile_path(address) == path
    assert read_tile_path(str(address.level), path) == address


@pytest.mark.parametrize(
    ("level", "path"),
    [
        ("00", "000"), ("64", "000"), ("-1", "000"), ("a", "000"), ("0", ""), ("0", "0"), ("0", "0000"),
        ("0", "x000/001"), ("0", "001/002"), ("0", "x001"), ("0", "000.p/0"), ("0", "000.p/256"),
        ("0", "000.p/01"), ("0", "000.p/"), ("0", "000.p/1.p/1"), ("0", "\u0660\u0660\u0660"), ("0", "x001/" * 20 + "000"),
        ("0", "000\n"), ("0", "../000"),
    ],
)  # fmt: skip
def test_any_other_way_to_write_it_names_no_tile(level: str, path: str) -> None:
    assert read_tile_path(level, path) is None


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    assert tile_at(0, 272, 70_000) == TileAddress(0, 272)
    assert tile_at(0, 273, 70_000) == TileAddress(0, 273, 112)
    assert tile_at(0, 274, 70_000) is None
    assert tile_at(1, 0, 70_000) == TileAddress(1, 0)
    assert tile_at(1, 1, 70_000) == TileAddress(1, 1, 17)
    assert tile_at(2, 0, 70_000) == TileAddress(2, 0, 1)
    assert tile_at(3, 0, 70_000) is None
    assert tile_at(1, 0, 256) == TileAddress(1, 0, 1)
    assert root_tiles(70_000) == [TileAddress(0, 273, 112), TileAddress(1, 1, 17), TileAddress(2, 0, 1)]


def test_entries_stand_behind_their_length() -> None:
    assert entry_bundle([b"ab", b"", b"x" * 300]) == b"\0\2ab" + b"\0\0" + b"\x01\x2c" + b"x" * 300


def test_an_entry_that_no_tile_can_hold_is_refused() -> None:
    with pytest.raises(OverflowError):
        entry_bundle([b"x" * 65_536])
