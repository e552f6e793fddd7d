"""What the figures rest on, without a system: rows, goals, the load client's wire, what soak finds."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from truth_contracts.topics import SERVICES

from tests.bench.goals import BY_PART
from tests.bench.pages import blocks, written
from tests.bench.paths.door import Door, UnwelcomeError
from tests.bench.results import RESULTS, Measured, read, write
from tests.bench.rows import Goal, alone, paired, quantile
from tests.bench.soak import Look, findings

MEMORY = {f"{service}-1": 80.0 for service in SERVICES}
LOOK = Look(requests=5000, per_second=40, memory_mib=MEMORY, left={}, path_ms=100)


def test_a_paired_row_tells_medians_and_the_extremes_of_the_ratio() -> None:
    row = paired("rate", [(10, 20), (30, 20), (20, 40)], "messages/s")
    assert (row.ours, row.beside, row.ratio) == (20, 20, 0.5)
    assert (row.lowest, row.highest) == (0.5, 1.5)


@pytest.mark.parametrize(
    ("goal", "told"),
    [
        pytest.param(Goal("≥", 0.6), "≥ 0.6: missed by 17%", id="too low"),
        pytest.param(Goal("≥", 0.4), "≥ 0.4: met by 25%", id="high enough"),
        pytest.param(Goal("≤", 0.4), "≤ 0.4: missed by 25%", id="too high"),
        pytest.param(Goal("≤", 5, of="ours"), "≤ 5: missed by 100%", id="the figure, not the ratio"),
    ],
)
def test_a_goal_is_met_or_missed_by_a_share_of_it(goal: Goal, told: str) -> None:
    assert goal.told(paired("rate", [(10, 20)], "messages/s")) == told


def test_a_goal_on_a_row_with_nothing_beside_it_is_on_its_figure() -> None:
    assert Goal("≤", 100).told(alone("memory", [90, 80], "MiB")) == "≤ 100: met by 15%"


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile([3, 1, 2, 4], share) for share in (0.0, 0.5, 0.99)] == [1, 3, 4]


def test_results_are_read_as_they_were_written_part_by_part(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    hop = {"hop": Measured({"python": "3.11"}, [alone("µ", [1.5], "µs"), paired("rate", [(1, 2)], "1/s")])}
    write(hop, file)
    write({"paths": Measured({"python": "3.12"}, [])}, file)
    assert read(file) == hop | {"paths": Measured({"python": "3.12"}, [])}


def test_every_goal_of_a_measured_part_is_answered() -> None:
    results = read(RESULTS)
    assert results
    for part, measured in results.items():
        assert set(BY_PART[part]) <= {row.measure for row in measured.rows}


def test_pages_show_what_was_measured() -> None:
    for file, marked in blocks(read(RESULTS)).items():
        page = file.read_text()
        assert written(page, marked) == page, f"{file.name} is older than the results: make plots"


def test_what_stands_between_marks_is_replaced_and_nothing_else() -> None:
    page = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"
    assert written(page, {"x": "new\n1 \\1"}) == "a\n<!-- x -->\nnew\n1 \\1\n<!-- end of x -->\nb\n"
    with pytest.raises(KeyError):
        written(page, {"y": "new"})


@pytest.mark.parametrize(
    ("last", "found"),
    [
        pytest.param(LOOK, [], id="nothing moved"),
        pytest.param(
            replace(LOOK, memory_mib={**MEMORY, "intake-1": 85.0}),
            ["intake-1 went from 80 to 85 MiB"],
            id="memory",
        ),
        pytest.param(replace(LOOK, left={"records.draft": 2}), ["records.draft holds 2 rows"], id="a table"),
        pytest.param(replace(LOOK, path_ms=140), ["a path went from 100 to 140 ms"], id="time"),
    ],
)
def test_soak_finds_what_moved(last: Look, found: list[str]) -> None:
    assert findings([LOOK, last]) == found


async def test_a_door_keeps_its_connection_and_reads_answers_whole_and_comes_again() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            heads.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(8))
            writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{"id": 12}')
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\ngone")
        writer.close()
        gone.release()

    heads: list[bytes] = []
    gone = asyncio.Semaphore(0)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    door = Door(f"http://127.0.0.1:{port}", token="abc")
    assert await door.post("/work", {"a": 1}) == {"id": 12}
    with pytest.raises(UnwelcomeError, match="404 not found gone"):
        await door.get("/work/12")
    assert await door.post("/work", {"a": 2}) == {"id": 12}  # that server closes after two answers
    assert heads[0].startswith(b"POST /work HTTP/1.1\r\n")
    assert heads[0].endswith(b'{"a": 1}')
    assert b"authorization: Bearer abc\r\n" in heads[1]
    door.close()
    for _ in range(2):
        await asyncio.wait_for(gone.acquire(), 5)
    server.close()
    await server.wait_closed()
