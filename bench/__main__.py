"""`make bench`, or `python -m bench --rows N --rounds N`: seconds, memory and size of loading, beside plain DuckDB."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.generate import Export, exports

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000
Figures = dict[str, float]


def main() -> None:
    """Generate what is missing, measure every form A B A B, print a line for each and one for the summaries."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="charges to generate and load (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds, of which medians count (default: 3)")
    parser.add_argument("--data", type=Path, default=ROOT / "bench" / "data", help="where generated files are kept")
    given = parser.parse_args()
    if min(given.rows, given.rounds) < 1:
        parser.error("rows and rounds are at least 1")
    files = exports(given.data.resolve(), given.rows)
    print(f"{given.rows:,} charges, {given.rounds} rounds, medians; 2 threads; MB = 10^6 bytes\n")
    print(f"{'form':18}{'MB':>6} | {'costmill s':>10}{'CPU s':>7}{'peak MB':>9}{'db MB':>7}", end="")
    print(f" | {'plain s':>8}{'CPU s':>7}{'peak MB':>9}{'db MB':>7} | {'ratio':>6}{'CPU':>6}")
    light = [_measured(each, given.rounds) for each in files]
    print(f"\nsummaries over it: {_median(light, 'seconds'):.2f} s, peak {_median(light, 'peak') / MB:,.0f} MB")


def _measured(export: Export, rounds: int) -> Figures:
    """Print one form's line; returns the figures of the summaries over what was loaded last."""
    ours, plain = [], []
    with tempfile.TemporaryDirectory(prefix="costmill-bench-") as folder:
        loaded, flat = Path(folder) / "costmill.duckdb", Path(folder) / "plain.duckdb"
        for _ in range(rounds):
            for each in (loaded, flat):
                each.unlink(missing_ok=True)
            ours.append(_run("costmill", export, loaded))
            plain.append(_run("plain", export, flat))
        light = _run("summaries", export, loaded)
    ratios = [_median(ours, key) / _median(plain, key) for key in ("seconds", "cpu")]
    print(f"{export.form:18}{export.path.stat().st_size / MB:6.0f} | {_cells(ours, 10)} | {_cells(plain, 8)}", end="")
    print(f" | {ratios[0]:6.2f}{ratios[1]:6.2f}", flush=True)
    return light


def _cells(runs: Sequence[Figures], width: int) -> str:
    seconds, cpu = _median(runs, "seconds"), _median(runs, "cpu")
    return f"{seconds:{width}.2f}{cpu:7.2f}{_median(runs, 'peak') / MB:9,.0f}{_median(runs, 'size') / MB:7,.0f}"


def _median(runs: Sequence[Figures], key: str) -> float:
    return statistics.median(each[key] for each in runs)


def _run(name: str, export: Export, database: Path) -> Figures:
    command = [sys.executable, "-m", "bench.runs", name, str(export.path), str(database)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    figures: Figures = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main()
