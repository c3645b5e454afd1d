"""The curves as small pictures that can be read on white and on black.

They need matplotlib (the ``bench`` extra); the tables below them say the same.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from bench.speed.curves import Curve

__all__ = ["draw"]

_INK = "#808080"
"""In the middle: as far from white as from black."""
_LINE = "#2f81f7"
_SIZE_INCHES = 6.0, 2.6
_LOG_FROM = 50
"""Sizes that differ by so many times are drawn on a logarithmic axis."""


def draw(curves: Sequence[Curve], directory: Path) -> None:
    """One SVG each, by the curve's name.

    :raises ImportError: there is no matplotlib.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    directory.mkdir(parents=True, exist_ok=True)
    style = {"svg.fonttype": "none", "svg.hashsalt": "norikv-vizd", "font.family": "sans-serif", "font.size": 9}
    with mpl.rc_context(style):
        for curve in curves:
            figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
            axes = figure.subplots()
            sizes, costs = zip(*sorted(curve.points), strict=True)
            axes.plot(sizes, costs, color=_LINE, marker="o", markersize=4, linewidth=1.6)
            if sizes[-1] > _LOG_FROM * sizes[0]:
                axes.set_xscale("log")
            axes.set_ylim(0, max(costs) * 1.25)
            axes.set_xlabel(curve.of, color=_INK)
            axes.set_title(curve.unit, color=_INK, loc="left", fontsize=9)
            axes.tick_params(which="both", colors=_INK)
            axes.grid(axis="y", color=_INK, alpha=0.25, linewidth=0.6)
            for side, spine in axes.spines.items():
                spine.set_visible(side in ("left", "bottom"))
                spine.set_color(_INK)
            path = directory / f"{curve.name}.svg"
            figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
            # Equal measurements are equal files, and lines don't end in spaces.
            path.write_text(re.sub(r"[ \t]+$", "", path.read_text(), flags=re.M))
