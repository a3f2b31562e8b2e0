"""Ray core tasks, one a shard: a worker or a machine that dies is Ray's to replace, and silence fails the job.

Never Ray Data: its fixed pool of actors hangs without a word once a lost machine leaves too little room for it.
"""

import functools
import re
import socket
import time
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np

from angelshare.errors import AngelshareError, MissingPart, ModelError
from angelshare.training.executors import DEATHS, WINDOW, Answers, ExecutorOptions, InOrder, Named, ask, columned, ready
from angelshare.types import Classifier

__all__ = ["RayTasks"]

KNOCK = 10
"""Seconds to wait for a cluster's address to answer."""


class RayTasks:
    """An executor on a Ray cluster, or on this machine where no address is given."""

    def __init__(self, teacher: Named, fingerprint: str, options: ExecutorOptions) -> None:
        try:
            import ray
        except ImportError as error:
            raise MissingPart("The executor ray needs the package ray: pip install 'angelshare[ray]'.") from error
        self.ray: Any = ray
        self.teacher, self.fingerprint, self.options = teacher, fingerprint, options

    def __call__(self, tasks: Iterable[list[str]]) -> Generator[Answers]:
        ray, ours = self.ray, not self.ray.is_initialized()
        if ours:
            self._join()
        order = InOrder(tasks, self.options.workers * WINDOW)
        under_way: dict[Any, int] = {}
        try:
            gpus = 1 if ray.cluster_resources().get("GPU") else 0
            remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=DEATHS)(_scored)
            while True:
                while len(under_way) < self.options.workers and (found := order.next()) is not None:
                    under_way[remote.remote(self.teacher, self.fingerprint, found[1])] = found[0]
                if not under_way:
                    return
                for reference in self._answered(list(under_way)):
                    order.answered(under_way.pop(reference), self._result(reference))
                yield from order.ready()
        finally:
            for reference in under_way:
                ray.cancel(reference, force=True)
            if ours:
                ray.shutdown()

    def _join(self) -> None:
        settings: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
        if self.options.address is None:  # "local": never a cluster that $RAY_ADDRESS or a file of Ray's names
            settings |= {"address": "local", "num_cpus": self.options.workers, "_node_ip_address": "127.0.0.1"}
        else:
            settings["address"] = self.options.address
        try:
            _knock(self.options.address or "")
            self.ray.init(**settings)
        except (OSError, RuntimeError, ValueError) as error:
            where = self.options.address or "this machine"
            first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise ModelError(f"Ray cannot be reached at {where}: {first}. Look whether the cluster is up.") from error

    def _answered(self, references: list[Any]) -> list[Any]:
        """Wait for an answer; raises ModelError with a table of the cluster where none comes for too long."""
        began = time.monotonic()
        found, _ = self.ray.wait(references, num_returns=1, timeout=self.options.watchdog)
        if not found:
            raise ModelError(
                f"No shard was scored for {time.monotonic() - began:.0f} s: give the cluster back what it lacks, or "
                f"raise --watchdog. {len(references)} shards are under way.\n{self._resources()}"
            )
        return list(found)

    def _result(self, reference: Any) -> Answers:
        try:
            logits: Answers = np.array(self.ray.get(reference))  # a copy: the original holds shared memory
        except self.ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, AngelshareError):
                raise error.cause from None
            raise
        except self.ray.exceptions.RayError as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"Ray gave a shard up after {DEATHS + 1} tries: {first} Look for a lack of memory: take fewer workers "
                "or smaller shards."
            ) from error
        return logits

    def _resources(self) -> str:
        """What the cluster has and what of it is free, and its machines."""
        ray = self.ray
        has, free = ray.cluster_resources(), ray.available_resources()
        wanted = [name for name in sorted(has) if ":" not in name]
        rows = [("resource", "in all", "free"), *((n, f"{has[n]:g}", f"{free.get(n, 0):g}") for n in wanted)]
        machines = [("machine", "alive", "CPU", "GPU")]
        for node in ray.nodes():
            held = node.get("Resources", {})
            cells = (f"{held.get('CPU', 0):g}", f"{held.get('GPU', 0):g}")
            machines.append((str(node.get("NodeManagerAddress", "?")), str(node.get("Alive")), *cells))
        return f"{columned(rows)}\n{columned(machines)}"


def _knock(address: str) -> None:
    """Raise OSError where nothing listens at HOST:PORT: Ray itself keeps trying for more than ten minutes."""
    found = re.fullmatch(r"([^/\s]+):(\d+)", address)
    if found:
        host = found[1].strip("[]")
        try:
            port = int(found[2])
            socket.create_connection((host, port), timeout=KNOCK).close()
        except OverflowError as error:
            raise OSError("a port is at most 65535") from error


@functools.lru_cache(maxsize=1)
def _teacher(teacher: Named, fingerprint: str) -> Classifier:
    """Loaded once in each of Ray's worker processes."""
    return ready(teacher, fingerprint)


def _scored(teacher: Named, fingerprint: str, texts: list[str]) -> Answers:
    return ask(_teacher(teacher, fingerprint), texts)
