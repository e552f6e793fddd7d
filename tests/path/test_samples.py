"""What a running system serves of one Record, written as files for other people's verifiers."""

from dataclasses import replace
from pathlib import Path

from truth_local.demo import doors, samples, walk
from truth_local.demo.photo import take_small_photo
from truth_local.demo.walk import People, unseen
from truth_local.system import System


def test_what_is_served_of_a_record_verifies_from_files_alone(
    system: System, who: People, tmp_path: Path
) -> None:
    asked = doors.request("kitchen-repairs", "The tap drips", "It drips all night long.")
    own = replace(who, camera=take_small_photo)
    walked = walk.walk("sample", doors.over_http("sample", asked, own, unseen), own, unseen)
    samples.write(system, walked, tmp_path / "samples")  # raises unless the published tool accepts them
    photos = [file.stat().st_size for file in (tmp_path / "samples/evidence").iterdir()]
    assert len(photos) == 2
    assert max(photos) <= 40_000
