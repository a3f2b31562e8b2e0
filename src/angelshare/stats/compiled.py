"""Compiling kernels and running them side by side."""

import inspect
import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba

from angelshare.runs import digest

PACKAGE = Path(__file__).parents[1]

SOURCES = digest(*(f.read_bytes() for part in ("stats", "metrics") for f in sorted((PACKAGE / part).glob("*.py"))))
"""Of every file that kernels are made of."""

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile with numba, without the interpreter's lock, and cache the result where a cache can be written."""
    function = inspect.unwrap(function)  # tests wrap all functions to check shapes; numba wants the bare one
    try:
        kernel = numba.njit(cache=True, nogil=True)(function)
        # Numba looks at the kernel's own file only. A kernel built on a constant or a callee that has changed since, in
        # another file, would write past the ends of arrays.
        file = kernel._cache._cache_file
        file._source_stamp = (file._source_stamp, SOURCES)
        return kernel  # type: ignore[no-any-return]
    except RuntimeError:  # numba's "no locator available": neither __pycache__ nor the user's cache is writable
        return numba.njit(nogil=True)(function)  # type: ignore[no-any-return]


def threads() -> int:
    """As many as `NUMBA_NUM_THREADS` says, which is the number of cores by default."""
    return int(numba.config.NUMBA_NUM_THREADS)


def side_by_side(work: Callable[[Any], R], jobs: Iterable[Any]) -> list[R]:
    """The results of `work` on each job, in order; kernels release the lock, so threads are enough."""
    jobs = list(jobs)
    workers = min(threads(), len(jobs))
    if workers < 2:
        return [work(job) for job in jobs]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, jobs))


def spans(rows: int, small: int) -> list[slice]:
    """The rows cut into one span a thread; into one where there are no more than `small`."""
    pieces = threads() if rows > small else 1
    edges = [rows * piece // pieces for piece in range(pieces + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]
