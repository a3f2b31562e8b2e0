"""A transfer set with counterfactual data: its texts with an identity swapped for others, labelled by the teacher."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from angelshare.data.identities import LEXICON_VERSION, mentions
from angelshare.data.tables import Columns, Table, hashed
from angelshare.data.transfer import TransferRows, TransferSet, open_transfer
from angelshare.errors import DataError
from angelshare.mitigate.counterfactuals import CATEGORIES_VERSION, Counterfactual, counterfactuals
from angelshare.progress import progress, say
from angelshare.training.transforms import answered, counted, judge_of, key, no_rows, same_teacher, target, written
from angelshare.types import Classifier

__all__ = ["counterfactual"]


def counterfactual(
    transfer: str | Path,
    *,
    teacher: Classifier | str | Path,
    out: str | Path,
    swaps: int | None = None,
    gold: Table | str | Path | None = None,
    columns: Columns | None = None,
    positive: str | None = None,
    threshold: float = 0.5,
    seed: int = 0,
) -> TransferSet:
    """Add the set's texts with an identity swapped for others of its category, labelled by the teacher.

    A text's counterfactuals have its id after `counterfactual:` and before the swap, its weight, split and source.
    Texts that the set holds already are left out. The manifest's `mitigation` holds how many were made by term, and
    rows, positives and rates by identity before and after.

    Parameters
    ----------
    teacher : the one that labelled the set; its answers stay beside `out` as OUT.labelled.
    swaps : counterfactuals of a text at most, drawn by `seed`; all where None.
    gold, columns, positive, threshold : as `balance` takes them, for the rates alone.

    Raises
    ------
    DataError : no such transfer set, or `out` holds something else.
    ModelError : the teacher is not the set's.
    """
    if swaps is not None and swaps < 1:
        raise DataError(f"The swaps of a text must be at least 1. Got {swaps} instead.")
    given = open_transfer(transfer)
    out = target(given, out)
    asked = same_teacher(given, teacher)
    judge = judge_of(given, gold, columns, positive, threshold)
    before, seen = counted(given, judge)
    made = _swapped(given, seen, swaps, seed)
    added = made.rows(asked, out, len(given.labels))
    say(
        f"counterfactual: {len(added):,} texts made of {made.swapped:,} of the {made.mentioning:,} "
        "that mention an identity."
    )
    facts = {
        "method": "counterfactual",
        "lexicon": LEXICON_VERSION,
        "categories": CATEGORIES_VERSION,
        "positive": judge.positive,
        "threshold": threshold,
        "swaps": swaps,
        "seed": seed,
        "added": len(added),
        "mentioning": made.mentioning,
        "swapped": made.swapped,
        "already": made.already,
        "terms": {term: dict(sorted(words.items())) for term, words in sorted(made.terms.items())},
        "before": before.facts(),
        "after": before.plus(mentions(added.texts), judge(added.texts, added.logits)).facts(),
    }
    return written(given, added, out, facts)


@dataclass(frozen=True, eq=False)
class _Made:
    """Counterfactual texts, with what they inherit from their originals, and what became of all others.

    Attributes
    ----------
    mentioning, swapped : texts of the set that mention an identity, and that have a counterfactual here.
    already : counterfactuals that the set holds, or that two texts share.
    terms : how many by the word of the original and the word in its place.
    """

    ids: list[str]
    texts: list[str]
    source: list[str]
    weight: list[float]
    split: list[str]
    mentioning: int
    swapped: int
    already: int
    terms: dict[str, Counter[str]]

    def rows(self, teacher: Classifier, out: Path, labels: int) -> TransferRows:
        """With the teacher's logits."""
        if not self.texts:
            return no_rows(labels)
        table = Table("counterfactual", "counterfactual texts", np.array(self.ids, dtype=object), self.texts)
        answers = answered(teacher, table, out).read()
        at = {str(name): row for row, name in enumerate(answers.ids)}
        logits = answers.logits[[at[name] for name in self.ids]]
        weight = np.array(self.weight, dtype=np.float32)
        return TransferRows.of(self.ids, self.texts, logits, source=self.source, weight=weight, split=self.split)


def _swapped(given: TransferSet, seen: set[bytes], swaps: int | None, seed: int) -> _Made:
    known = set(seen)
    ids, texts, source, weight, split = [], [], [], [], []
    mentioning = swapped = already = 0
    terms: dict[str, Counter[str]] = {}
    with progress("counterfactual", len(given)) as advance:
        for rows in given.chunks():
            mentioned = np.array(list(mentions(rows.texts).values())).any(axis=0)
            for row in np.flatnonzero(mentioned).tolist():
                mentioning += 1
                found = _drawn(counterfactuals(rows.texts[row]), rows.texts[row], swaps, seed)
                new = {key(one.text): one for one in found if key(one.text) not in known}
                already += len(found) - len(new)
                swapped += bool(new)
                known.update(new)
                for one in new.values():
                    for term, word in one.terms:
                        terms.setdefault(term, Counter())[word] += 1
                    ids.append(f"counterfactual:{rows.ids[row]}:{one.identity}>{one.target}")
                    texts.append(one.text)
                    source.append(f"counterfactual:{rows.source[row]}")
                    weight.append(float(rows.weight[row]))
                    split.append(str(rows.split[row]))
            advance(len(rows))
    return _Made(ids, texts, source, weight, split, mentioning, swapped, already, terms)


def _drawn(found: list[Counterfactual], text: str, swaps: int | None, seed: int) -> list[Counterfactual]:
    if swaps is None or len(found) <= swaps:
        return found
    kept = sorted(found, key=lambda one: hashed(f"{one.identity}>{one.target}/{text}", seed))[:swaps]
    return [one for one in found if one in kept]
