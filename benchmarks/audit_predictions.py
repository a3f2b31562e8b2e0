"""An audit of two prediction files alone: 100,000 rows, 24 overlapping groups, 1,000 resamples, no torch.

Runs the command line twice in fresh processes: first with an empty kernel cache, then with the kernels cached.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl


def write_files(folder: Path, rows: int, groups: int, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    toxic = rng.random(rows) < 0.3
    ids = np.arange(rows)
    identities = {f"group_{g}": (rng.random(rows) < 0.08).astype(int) for g in range(groups)}
    pl.DataFrame({"id": ids, "text": [f"row {i}" for i in ids], "toxicity": toxic.astype(int), **identities}).write_csv(
        folder / "data.csv"
    )
    latent = toxic + rng.normal(size=rows)
    for name, noise in (("teacher", 0.3), ("student", 0.6)):
        score = 1 / (1 + np.exp(-2 * (latent + noise * rng.normal(size=rows) - 0.5)))
        pl.DataFrame({"id": ids, "toxicity": score}).write_csv(folder / f"{name}.csv")


def audit(folder: Path, groups: int, draws: int) -> float:
    command = [sys.executable, "-m", "angelshare.cli.main", "audit"]
    command += [f"reference={folder}/teacher.csv", f"student={folder}/student.csv", "--data", f"{folder}/data.csv"]
    command += ["--toxicity", "toxicity", "--id", "id", "--draws", str(draws), "--out", f"{folder}/audit"]
    command += ["--identities", ",".join(f"group_{g}" for g in range(groups))]
    for code in ("quality", "fidelity", "identity-auc"):
        command += ["--suite", code]
    environment = {**os.environ, "NUMBA_CACHE_DIR": f"{folder}/kernels"}
    start = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=24)
    parser.add_argument("--draws", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, options.rows, options.groups)
        print(f"{options.rows:,} rows x {options.groups} groups, {options.draws:,} resamples, two CSV prediction files")
        for title in ("first time, kernels compiled", "kernels cached"):
            seconds = audit(folder, options.groups, options.draws)
            subprocess.run(["rm", "-rf", str(folder / "audit")], check=True)
            print(f"{title}: {seconds:.1f} s")


if __name__ == "__main__":
    main()
