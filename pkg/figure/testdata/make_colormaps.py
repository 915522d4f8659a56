"""Writes ../colormaps.txt from matplotlib's own tables: python make_colormaps.py (needs matplotlib)."""
import pathlib

import numpy as np
from matplotlib import colormaps

credits = {
    "viridis, magma, inferno": "N. Smith and S. van der Walt (CC0)",
    "cividis": "J. Nuñez, C. Anderton and R. Renslow (PLoS ONE 13(7), 2018)",
    "PuOr": "C. Brewer (ColorBrewer 2.0, Apache-2.0)",
}
lines = []
for names, makers in credits.items():
    lines.append(f"# {names}: {makers}\n")
    for name in names.split(", "):
        table = colormaps[name](np.arange(256), bytes=True)[:, :3]
        lines.append(f"{name.lower()} {table.astype(np.uint8).tobytes().hex()}\n")
(pathlib.Path(__file__).parent.parent / "colormaps.txt").write_text("".join(lines))
