"""The step, the checkpoint and the resume that every training loop shares; each loop itself stands in its own file.

```python
run = Run(model, lengths=..., ids=..., options=..., seed=0, work=..., title="student")
for batch in run.batches():
    with run.forward():
        losses = {"soft": kl(model(**inputs(batch)).logits, teacher[batch])}
    run.descend(batch, losses)
    if run.evaluation_due:
        run.assess(against_gold(run.score(dev_texts), dev_targets, multilabel=False))
run.restore_best()
```

Of several processes each is given its rows of a batch, and its loss is their mean. A run of `whole_batches` gives every
process all rows of a step, for what is drawn or counted over them; then each takes its parts and adds up shares:

```python
for batch in run.batches():
    for part in run.parts(len(batch)):
        with run.forward(part):
            losses = {"masked": ... / tokens_of_the_whole_batch}
        run.backward(losses, part)
    run.update(batch)
```
"""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from jaxtyping import Float32, Int
from torch import Tensor
from transformers import PreTrainedModel

from angelshare import runs
from angelshare.errors import TrainingError
from angelshare.models.batching import Encoded, buckets, restored
from angelshare.models.classifier import choose_precision
from angelshare.progress import progress, say
from angelshare.training import checkpoint
from angelshare.training.order import Order, Pools
from angelshare.training.ranks import over_gloo
from angelshare.training.selection import DevScore
from angelshare.training.settings import Part, TrainOptions

__all__ = ["LOG", "Part", "Run", "TrainOptions"]

LOG = "log.jsonl"
DEV_TOKENS = 8192
"""Padded tokens a batch when dev rows are scored."""

LINES = 200
"""About how many lines of training losses a log has."""

SHARE = 20
"""A checkpoint waits at least this many times as long as the last one took: at most 5 % of the time goes there."""


def _grouped(model: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]


def _unseen(steps: int) -> None:
    """Progress of a process that is not the first: nobody wants to read it twice."""


class Run:
    """One model's training, resumable at any step.

    Dropout draws from a stream seeded by (seed, step) and the order of rows by (seed, epoch), so a resumed run repeats
    exactly what an unbroken one does; torch's global stream is left as it was.

    Parameters
    ----------
    model : trained in place.
    lengths : (rows,) tokens of each training row, for the buckets.
    ids : names of the training rows, for messages.
    order : which rows each step reads; default from `lengths`.
    whole_batches : give each process all rows of a step; the losses it hands in are its share of the step's.
    steps : optimizer steps in all; default `options.epochs` passes.
    evaluate_every : steps between dev assessments; default one pass.
    work : directory of this run's checkpoints and log.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        lengths: Int[np.ndarray, " rows"],
        ids: Sequence[Any] | np.ndarray,
        options: TrainOptions,
        seed: int,
        work: Path,
        title: str,
        steps: int | None = None,
        evaluate_every: int | None = None,
        order: Order | None = None,
        whole_batches: bool = False,
    ) -> None:
        self.options, self.seed, self.work, self.title = options, seed, Path(work), title
        self.ids, self.whole_batches = ids, whole_batches
        self.order = order or Pools(lengths, options.batch_size, seed)
        self.epoch_steps = self.order.steps
        self.steps = steps or options.epochs * self.epoch_steps
        self.evaluate_every = evaluate_every or self.epoch_steps
        # An untied head has a bias of its own that nothing reads: several processes would wait for its gradient.
        unread = whole_batches and not getattr(model.config, "tie_word_embeddings", True)
        how = DistributedDataParallelKwargs(find_unused_parameters=unread)
        self.accelerator = Accelerator(cpu=over_gloo(), mixed_precision="no", kwargs_handlers=[how])
        self.device = self.accelerator.device
        self.model = self.accelerator.prepare(model)
        self.inner = self.accelerator.unwrap_model(self.model)
        # accelerate's own optimizer looks for installed packages at every step: a third of a small student's time.
        groups = _grouped(self.inner, options.weight_decay)
        self.optimizer = torch.optim.AdamW(
            groups, lr=options.learning_rate, betas=options.betas, eps=options.epsilon, fused=True
        )
        self.autocast = choose_precision(self.inner, options.precision) == "bfloat16"
        self.step, self.stopped = 0, False
        self.best: DevScore | None = None
        self.best_step, self.waited = 0, 0
        self.best_weights: dict[str, Tensor] = {}
        self.sums: dict[str, float] = {}
        self.counted = 0
        self.losses: dict[str, Tensor] = {}
        self.log: list[str] = []
        self._resume()

    # -- the loop's three calls ------------------------------------------------------------------------------------

    def batches(self) -> Iterator[Int[np.ndarray, " batch"]]:
        """Row numbers of each batch from where the run stands to its end; writes checkpoints between steps."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        self._wrote, self._cost = time.monotonic(), 0.0
        self.model.train()
        first = self.accelerator.is_main_process
        with progress(self.title, self.steps, done=self.step) if first else nullcontext(_unseen) as advance:
            while self.step < self.steps and not self.stopped:
                self._schedule()
                batch = self.order(self.step)
                yield batch if self.whole_batches or len(batch) < world else batch[rank::world]
                self.step += 1
                advance(1)
                if self._checkpoint_due():
                    self.save()

    def parts(self, count: int) -> list[Part]:
        """The rows of a step of `count` that are this process's, in the parts that are computed one after the other."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        size = self.options.batch_size // self.options.accumulate
        slices = [np.arange(start, min(start + size, count)) for start in range(0, count, size)]
        ours = [rows[rank::world] for rows in slices if len(rows) > rank]
        if not ours:
            return [Part(0, np.zeros(1, dtype=np.int64), 0.0, True)]
        return [Part(number, rows, 1.0, number == len(ours) - 1) for number, rows in enumerate(ours)]

    @contextmanager
    def forward(self, part: Part | None = None) -> Iterator[None]:
        """The forward pass: dropout seeded by (seed, step) and the part, autocast where it pays.

        Gradients are summed over the processes after a step's last part.
        """
        devices = [self.device] if self.device.type == "cuda" else []
        own = () if part is None else (part.number, self.accelerator.process_index)
        apart = part is not None and not part.last
        with torch.random.fork_rng(devices=devices), self._alone() if apart else nullcontext():
            seed = int(runs.rng(self.seed, "dropout", self.step, *own).integers(2**62))
            torch.default_generator.manual_seed(seed)  # torch.manual_seed formats a stack trace each time
            if devices:
                torch.cuda.manual_seed(seed)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
                yield

    def descend(self, batch: np.ndarray, losses: Mapping[str, Tensor]) -> None:
        """One optimizer step on the sum of the losses.

        Raises
        ------
        TrainingError : the loss or its gradient is not finite; the message names the batch's rows.
        """
        self.backward(losses)
        self.update(batch)

    def backward(self, losses: Mapping[str, Tensor], part: Part | None = None) -> None:
        """Add the gradient of the sum of the losses to what the step's earlier parts gave."""
        total = torch.stack([value.float() for value in losses.values()]).sum()
        weight = 1.0 if part is None else part.weight
        # Gradients are averaged over the processes, while shares add up.
        self.accelerator.backward(total if part is None else total * (weight * self.accelerator.num_processes))
        for name, value in {"loss": total, **losses}.items():
            value = value.detach().float() * weight
            self.losses[name] = self.losses[name] + value if name in self.losses else value

    def update(self, batch: np.ndarray) -> None:
        """One optimizer step on what `backward` gathered.

        Raises
        ------
        TrainingError : the loss or its gradient is not finite; the message names the batch's rows.
        """
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.options.clip)
        values = torch.stack(list(self.losses.values()))
        if self.whole_batches:
            values = self.accelerator.reduce(values, "sum")
        parts = dict(zip(self.losses, values.tolist(), strict=True))
        self.losses = {}
        if not math.isfinite(parts["loss"] + float(norm)):
            raise TrainingError(self._not_finite(batch, parts["loss"], float(norm)))
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._record(parts)

    def score(self, encoded: Encoded) -> Float32[np.ndarray, "rows labels"]:
        """Logits of every row by the model as it stands, without dropout."""
        self.inner.eval()
        batches, parts = buckets(encoded.lengths, DEV_TOKENS), []
        with torch.inference_mode():
            for index in batches:
                logits = self.inner(**encoded.batch(index, self.device)).logits
                parts.append(logits.float().cpu().numpy())
        self.inner.train()
        return restored(parts, batches)

    @property
    def evaluation_due(self) -> bool:
        return (self.step + 1) % self.evaluate_every == 0 or self.step + 1 == self.steps

    def assess(self, score: DevScore) -> None:
        """Note a dev score: keeps the weights if it is the best so far, stops the run when none was for a while."""
        self._write({"step": self.step + 1, "dev": score.facts()})
        if self.best is None or score > self.best:
            self.best, self.best_step, self.waited = score, self.step + 1, 0
            self.best_weights = checkpoint.snapshot(self.inner)
            return
        self.waited += 1
        self.stopped = self.waited >= self.options.patience

    def restore_best(self) -> None:
        """Put the weights of the best dev score into the model."""
        if self.best_weights:
            self.inner.load_state_dict(self.best_weights)
        self.inner.eval()

    def facts(self) -> dict[str, Any]:
        """How the training went: steps, the best dev score, and whether the dev loss had settled by the end."""
        return {
            "parameters": self.parameters,
            "steps": self.step,
            "steps_planned": self.steps,
            "best_step": self.best_step,
            "dev": None if self.best is None else self.best.facts(),
            "converged": self._converged(),
        }

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.inner.parameters())

    def results(self) -> dict[str, float]:
        """The best dev figures, by name, for the card."""
        return {} if self.best is None else {f"dev {self.best.metric}": self.best.value, "dev loss": self.best.loss}

    def _converged(self) -> bool | None:
        """False where the dev loss still fell by more than 5 % in the last tenth of the steps; None if unknown."""
        lines = [json.loads(line) for line in self.log]
        losses = [(line["step"], line["dev"]["loss"]) for line in lines if "dev" in line]
        before = [loss for step, loss in losses if step <= 0.9 * self.step]
        return None if not before else losses[-1][1] >= 0.95 * before[-1]

    # -- what they rest on -----------------------------------------------------------------------------------------

    def _alone(self) -> AbstractContextManager[Any]:
        found: AbstractContextManager[Any] = self.accelerator.no_sync(self.model)
        return found

    def _schedule(self) -> None:
        warm = max(1, round(self.options.warmup * self.steps))
        rise, fall = (self.step + 1) / warm, (self.steps - self.step) / max(1, self.steps - warm)
        self.rate = self.options.learning_rate * min(rise, fall, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate

    def _not_finite(self, batch: np.ndarray, loss: float, norm: float) -> str:
        names = ", ".join(str(self.ids[row]) for row in batch)
        return (
            f"Training of {self.title} stopped at step {self.step + 1}: the loss ({loss}) or its gradient's norm "
            f"({norm}) is not finite on the batch of rows {names}. Look at these rows, or lower --learning-rate."
        )

    def _record(self, parts: Mapping[str, float]) -> None:
        self.counted += 1
        for name, value in parts.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        if (self.step + 1) % max(1, self.steps // LINES) == 0 or self.step + 1 == self.steps:
            means = {name: value / self.counted for name, value in self.sums.items()}
            self._write({"step": self.step + 1, "learning_rate": self.rate, **means})
            self.sums, self.counted = {}, 0

    def _write(self, line: Mapping[str, Any]) -> None:
        self.log.append(json.dumps(line, allow_nan=False))
        if self.accelerator.is_main_process:
            with runs.full_disk(self.work / LOG), open(self.work / LOG, "a", encoding="utf-8") as stream:
                stream.write(self.log[-1] + "\n")

    def _checkpoint_due(self) -> bool:
        if not self.accelerator.is_main_process or self.step >= self.steps or self.stopped:
            return False
        if self.options.checkpoint_steps is not None:
            return self.step % self.options.checkpoint_steps == 0
        wait = max(self.options.checkpoint_seconds, SHARE * self._cost)
        return time.monotonic() - self._wrote >= wait

    def save(self) -> None:
        """Write a checkpoint of the run as it stands between two steps."""
        began = time.monotonic()
        state = {
            "step": self.step,
            "steps": self.steps,
            "best": None if self.best is None else self.best.facts(),
            "best_step": self.best_step,
            "waited": self.waited,
            "sums": self.sums,
            "counted": self.counted,
        }
        tensors = {
            "model": checkpoint.snapshot(self.inner),
            "best": self.best_weights,
            "optimizer": checkpoint.optimizer_tensors(self.optimizer),
        }
        checkpoint.save(self.work, checkpoint.Checkpoint(state, tensors, self.log))
        self._wrote = time.monotonic()
        self._cost = self._wrote - began

    def _resume(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        found = checkpoint.newest(self.work)
        if found is not None:
            state = found.state
            self.step, self.best_step, self.waited = state["step"], state["best_step"], state["waited"]
            self.best = None if state["best"] is None else DevScore(**state["best"])
            self.sums, self.counted, self.log = state["sums"], state["counted"], found.log
            self.inner.load_state_dict(found.tensors["model"])
            self.best_weights = found.tensors["best"]
            checkpoint.restore_optimizer(self.optimizer, found.tensors["optimizer"])
            say(f"{self.title}: goes on from the checkpoint at step {self.step:,} of {self.steps:,}.")
        if self.accelerator.is_main_process:
            (self.work / LOG).write_text("".join(line + "\n" for line in self.log), encoding="utf-8")
