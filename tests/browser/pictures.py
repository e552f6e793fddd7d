"""`make screenshots`: what the walk of the whole path kept becomes the README's pictures, in few colours."""

import sys
from pathlib import Path

from PIL import Image

_ROOT = Path(__file__).parents[2]
_KEPT = _ROOT / ".truth" / "screenshots"
_SHOWN = Path(__file__).with_name("screenshots")
_NAMES = ("form", "create-job", "desk", "record")
_COLOURS = 128
_BYTES_MAX = 150_000


def main() -> int:
    """The exit status: 1 when a picture is too large for a README."""
    _SHOWN.mkdir(exist_ok=True)
    sizes = {name: _shrink(_KEPT / f"{name}.png", _SHOWN / f"{name}.png") for name in _NAMES}
    print({name: f"{size / 1000:.0f} kB" for name, size in sizes.items()})  # noqa: T201 a command of its own
    return int(max(sizes.values()) > _BYTES_MAX)


def _shrink(kept: Path, shown: Path) -> int:
    with Image.open(kept) as picture:
        few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(shown, optimize=True)
    return shown.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
