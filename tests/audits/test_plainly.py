"""Identity AUCs, HateCheck's figures and swaps against plain Python over the same Predictions: every pair counted.

The rows are made up so that scores tie, annotations are missing, rows share templates and mention several groups or
none, one group is too small, and the student has two seeds.
"""

import math
from collections import defaultdict

import numpy as np
import pytest

from angelshare.audits.classifier.by_column import ByColumn
from angelshare.audits.classifier.identity_auc import IdentityAuc
from angelshare.audits.classifier.identity_swaps import IdentitySwaps
from angelshare.audits.classifier.quality import Quality
from angelshare.data.templates import swaps
from angelshare.types import Predictions

from .example import answers_of, data_of, pick, toxicity

ROWS = 260
ONE_HOLDS, ALONE = ("harmless", "toxic"), ("insult", "toxic")


def answer(model, truth, ids, seed, multilabel):
    """Log-odds in halves, so that many tie."""
    rng = np.random.default_rng(seed)
    scores = np.round(2 * rng.normal(size=(len(truth), 2))) / 2
    scores[:, 1] += np.round(1.5 * truth) / 2
    return Predictions(model, ids, ALONE if multilabel else ONE_HOLDS, multilabel, scores)


def answers(truth, ids, multilabel):
    who = (("reference", 1), ("student", 2), ("student", 3))
    return [answer(model, truth, ids, seed, multilabel) for model, seed in who]


def order(found):
    """What ranks the rows, as plain numbers."""
    return [b if found.multilabel else b - a for a, b in found.scores.tolist()]


def share(found):
    return [1 / (1 + math.exp(-score)) for score in order(found)]


def area(high, low):
    """Share of the pairs (one of `high`, one of `low`) in the right order; half of one where they tie."""
    return sum((a > b) + 0.5 * (a == b) for a in high for b in low) / (len(high) * len(low))


def average_precision(scores, truth):
    """Sum over the scores, highest first, of the gain in recall times the precision from that score on."""
    total, recall = 0.0, 0.0
    for cut in sorted(set(scores), reverse=True):
        taken = [t for s, t in zip(scores, truth, strict=True) if s >= cut]
        total += (sum(taken) / sum(truth) - recall) * sum(taken) / len(taken)
        recall = sum(taken) / sum(truth)
    return total


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def holds(findings, found, metric, slice, figure, merit=lambda value: value):
    """The finding has the mean over the student's seeds, and the mean difference in merit to the reference."""
    reference, *seeds = (figure(each) for each in found)
    assert pick(findings, "reference", metric, slice).value.value == pytest.approx(reference, abs=1e-9)
    finding = pick(findings, "student", metric, slice)
    assert finding.value.value == pytest.approx(mean(seeds), abs=1e-9), (metric, slice)
    assert finding.delta.value == pytest.approx(mean(map(merit, seeds)) - merit(reference), abs=1e-9), (metric, slice)
    assert list(finding.seeds) == pytest.approx(seeds, abs=1e-9)


def made(multilabel):
    """Rows in templates of four, of two labels; three groups and one of six rows, some annotations missing."""
    rng = np.random.default_rng(7)
    toxic = np.repeat(rng.random(ROWS // 4) < 0.5, 4)
    kinds = np.repeat(rng.choice(["derog_h", "negate_nh", "ident_nh"], size=ROWS // 4), 4).astype(object)
    group = rng.choice(["women", "Muslims", ""], size=ROWS).astype(object)
    identities = {
        "female": np.where(group == "women", 1.0, rng.choice([0.0, 0.4, 0.5], size=ROWS, p=[0.8, 0.1, 0.1])),
        "muslim": np.where(group == "Muslims", 1.0, 0.0),
        "black": rng.choice([0.0, 1.0], size=ROWS, p=[0.6, 0.4]),
        "rare": (np.arange(ROWS) < 6).astype(float),
    }
    identities["muslim"][::9] = identities["black"][4::11] = np.nan
    other = rng.random(ROWS) < 0.3 if multilabel else ~toxic
    return toxicity(
        ROWS,
        labels=ALONE if multilabel else ONE_HOLDS,
        multilabel=multilabel,
        targets=np.column_stack((other, toxic)).astype(np.float32),
        clusters=np.arange(ROWS) // 4,
        kinds={"functionality": kinds, "target_ident": group},
        identities={name: values.astype(np.float32) for name, values in identities.items()},
    )


@pytest.mark.parametrize("background", ["all", "annotated"])
@pytest.mark.parametrize("multilabel", [False, True])
def test_identity_aucs(multilabel, background):
    table = made(multilabel)
    truth = table.targets[:, 1].tolist()
    found = answers(table.targets[:, 1], table.ids, multilabel)
    findings = IdentityAuc().judge(data_of(table, background=background), answers_of(*found)).findings

    def parts(each, name):
        """Scores of a group's positives and negatives, and of the background's."""
        cells = defaultdict(list)
        for score, toxic, said in zip(order(each), truth, table.identities[name].tolist(), strict=True):
            if background == "all" or not math.isnan(said):
                cells[said >= 0.5, toxic].append(score)
        return cells[True, 1], cells[True, 0], cells[False, 1], cells[False, 0]

    def figures(each, name):
        positives, negatives, other_positives, other_negatives = parts(each, name)
        return {
            "subgroup_auc": area(positives, negatives),
            "bpsn_auc": area(other_positives, negatives),
            "bnsp_auc": area(positives, other_negatives),
            "aeg_neg": area(negatives, other_negatives) - 0.5,
            "aeg_pos": area(positives, other_positives) - 0.5,
        }

    large = ("female", "muslim", "black")
    for name in large:
        for metric in ("subgroup_auc", "bpsn_auc", "bnsp_auc"):
            holds(findings, found, metric, name, lambda each, n=name, m=metric: figures(each, n)[m])
        for metric in ("aeg_neg", "aeg_pos"):
            holds(findings, found, metric, name, lambda each, n=name, m=metric: figures(each, n)[m], lambda v: -abs(v))
        sizes = pick(findings, "student", "bpsn_auc", name).counts
        assert [sizes["positives"], sizes["negatives"]] == list(map(len, parts(found[1], name)[:2]))
    overall = [area(*([s for s, t in zip(order(f), truth, strict=True) if t == c] for c in (1, 0))) for f in found]
    whole = dict(zip(map(id, found), overall, strict=True))
    powers = {}
    for metric in ("subgroup_auc", "bpsn_auc", "bnsp_auc"):
        values = {id(each): [figures(each, name)[metric] for name in large] for each in found}
        holds(findings, found, f"{metric}_mean", "all", lambda each, v=values: mean(v[id(each)]))
        powers[metric] = {key: mean(x**-5 for x in mine) ** -0.2 for key, mine in values.items()}
        holds(findings, found, f"{metric}_power_mean", "all", lambda each, p=powers[metric]: p[id(each)])
    holds(
        findings, found, "jigsaw_final", "all",
        lambda each: (whole[id(each)] + sum(mine[id(each)] for mine in powers.values())) / 4,
    )  # fmt: skip


@pytest.mark.parametrize("multilabel", [False, True])
def test_what_hatecheck_asks(multilabel):
    table = made(multilabel)
    truth = table.targets[:, 1].tolist()
    found = answers(table.targets[:, 1], table.ids, multilabel)
    data = data_of(table)
    quality = Quality().judge(data, answers_of(*found)).findings
    slice = "toxic" if multilabel else "all"

    def roc(each):
        return area(*([s for s, t in zip(order(each), truth, strict=True) if t == c] for c in (1, 0)))

    holds(quality, found, "auc_roc", slice, roc)
    holds(quality, found, "auc_pr", slice, lambda each: average_precision(order(each), truth))
    columns = ByColumn().judge(data, answers_of(*found)).findings
    for column, kinds in table.kinds.items():
        for value in sorted(set(kinds) - {""}):

            def right(each, kinds=kinds, value=value):
                # Of two labels with the same score, the first is given.
                said = [s >= 0 if multilabel else s > 0 for s in order(each)]
                return mean(s == t for s, t, kind in zip(said, truth, kinds, strict=True) if kind == value)

            holds(columns, found, "accuracy", f"{column}: {value}", right)
    assert not [f for f in columns if f.slice.endswith(": ")]


@pytest.mark.parametrize("multilabel", [False, True])
def test_identity_swaps(multilabel):
    sentences = swaps("toxicity")
    truth = np.array([swap.label for swap in sentences])
    found = answers(truth, np.array([swap.id for swap in sentences], dtype=object), multilabel)
    table = made(multilabel)
    findings = IdentitySwaps().judge(data_of(table), answers_of(*found, key="swaps-toxicity")).findings

    def templates(each):
        rows = defaultdict(dict)
        for swap, score in zip(sentences, share(each), strict=True):
            rows[swap.template_id][swap.term] = score
        return list(rows.values())

    def deviation(row):
        middle = mean(row.values())
        return math.sqrt(mean((score - middle) ** 2 for score in row.values()))

    holds(
        findings, found, "auc_roc", "all",
        lambda each: area(*([s for s, t in zip(order(each), truth, strict=True) if t == c] for c in (1, 0))),
    )  # fmt: skip
    figures = {
        "score_dev": deviation,
        "score_range": lambda row: max(row.values()) - min(row.values()),
        "flips": lambda row: len({score >= 0.5 for score in row.values()}) - 1,
    }
    for metric, figure in figures.items():
        holds(findings, found, metric, "all", lambda each, f=figure: mean(map(f, templates(each))), lambda v: -v)
    for term in {swap.term for swap in sentences}:

        def sensitivity(each, term=term):
            return mean(row[term] - mean(row.values()) for row in templates(each) if term in row)

        holds(findings, found, "score_sens", term, sensitivity, lambda v: -abs(v))
