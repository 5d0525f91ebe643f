"""Distributions as pictures, by gnuplot: PNG and SVG beside each other."""

import shutil
import subprocess


def distribution(folder, name, title, rows, ylabel, curves=None):
    """<rows>: (upper edge in ns, count), or with <curves> a row of counts per name. Returns the PNG, None without gnuplot."""
    if not rows or not shutil.which("gnuplot"):
        return None
    data = folder / f"{name}.dat"
    data.write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
    if curves:
        lines = ", ".join(f'"{data}" using 1:{i + 2} with lines linewidth 2 title "{curve}"' for i, curve in enumerate(curves))
        axes = 'set xlabel "nanoseconds"\nset ylabel "orders that took at most so long"\nset key bottom right\n'
    else:
        lines = f'"{data}" using 1:2 with impulses linewidth 6 notitle'
        axes = f'set xlabel "nanoseconds, upper edge of the bucket"\nset ylabel "{ylabel}"\n'
    for terminal, suffix in (("pngcairo size 1000,500", "png"), ("svg size 1000,500", "svg")):
        subprocess.run(["gnuplot"], input=f"""
            set terminal {terminal}
            set output "{folder}/{name}.{suffix}"
            set title "{title}"
            {axes}
            set logscale x
            set grid
            set arrow from 2750, graph 0 to 2750, graph 1 nohead dashtype 2
            set label "2.75 us" at 2900, graph 0.95
            set format x "%.0s %c"
            set rmargin 5
            plot {lines}
            """, text=True, check=True, stderr=subprocess.DEVNULL)
    return folder / f"{name}.png"
