"""Writes ../colormaps.txt from matplotlib's own tables: python make_colormaps.py (needs matplotlib)."""
import pathlib

import numpy as np
from matplotlib import colormaps

lines = []
for name in ("viridis", "cividis", "magma", "inferno", "PuOr"):
    table = colormaps[name](np.arange(256), bytes=True)[:, :3]
    lines.append(f"{name.lower()} {table.astype(np.uint8).tobytes().hex()}\n")
(pathlib.Path(__file__).parent.parent / "colormaps.txt").write_text("".join(lines))
