"""A made-up audit that looks like a real one: teacher, two students with controls, tf-idf; all figures invented."""

from typing import Any

import numpy as np

from angelshare.findings import Estimate, Exhibit, Finding, Metric, Outcome, Subject
from angelshare.report import Summary, summarise
from angelshare.runs import rng

IDENTITIES = [
    "male",
    "female",
    "transgender",
    "heterosexual",
    "gay",
    "lesbian",
    "bisexual",
    "christian",
    "jewish",
    "muslim",
    "hindu",
    "buddhist",
    "atheist",
    "black",
    "white",
    "asian",
    "latino",
    "disabled",
    "blind",
    "deaf",
    "older",
    "younger",
    "immigrant",
    "refugee",
]
REFERENCE = "teacher"
MODELS = {
    "bow": -0.031,
    "bow-hard": -0.043,
    "bow-gold": -0.058,
    "bilstm": -0.006,
    "bilstm-hard": -0.012,
    "tf-idf": -0.049,
}
QUALITY = {
    "auc_roc": (0.912, 1.0, 0.01),
    "auc_pr": (0.874, 1.3, None),
    "accuracy": (0.853, 0.9, 0.01),
    "macro_f1": (0.848, 0.9, None),
    "mcc": (0.701, 1.6, None),
    "log_loss": (0.351, 2.2, None),
    "calibration_error": (0.024, 0.5, None),
}
LOWER = ("log_loss", "calibration_error", "kl", "score_range")


def outcome(low: float, high: float, margin: float | None) -> Outcome:
    if margin is None:
        return Outcome.NOT_JUDGED
    if high < -margin:
        return Outcome.LOSS
    if low > 0:
        return Outcome.GAIN
    return Outcome.NO_LOSS if low >= -margin else Outcome.INCONCLUSIVE


def finding(
    model: str,
    metric: str,
    value: float,
    delta: float | None,
    *,
    width: float = 0.006,
    margin: float | None = None,
    **more: Any,
) -> Finding:
    better = Metric(metric, "lower" if metric in LOWER else "higher").better
    paired = None if delta is None else Estimate(delta, delta - width, delta + width, 4000, "bca", 0.95, "row")
    family = more.pop("family", 1)
    wide = width * 1.5
    ends = (delta - wide, delta + wide) if family > 1 and delta is not None else (None, None)
    low, high = ends if ends[0] is not None else (paired.low, paired.high) if paired else (0.0, 0.0)
    return Finding(
        **{"suite": "toxicity-test", "audit": "quality", "slice": "all", **more},
        model=model,
        metric=metric,
        better=better,
        value=Estimate(value, value - 1.4 * width, value + 1.4 * width, 4000, "delong_logit"),
        outcome=outcome(low, high, margin) if delta is not None else Outcome.NOT_JUDGED,
        reference=None if delta is None else REFERENCE,
        delta=paired,
        family_low=ends[0],
        family_high=ends[1],
        family_size=family,
        p=0.01 if delta is not None else None,
        p_holm=0.02 if delta is not None else None,
        p_bh=0.015 if delta is not None else None,
        margin=margin,
    )


def quality() -> list[Finding]:
    found = []
    for metric, (base, factor, margin) in QUALITY.items():
        found.append(finding(REFERENCE, metric, base, None))
        for model, change in MODELS.items():
            sign = -1 if metric in LOWER else 1
            delta = change * factor
            found.append(
                finding(
                    model, metric, base + sign * delta, delta, margin=margin, width=0.007 if "bow" in model else 0.004
                )
            )
            if model == "bow":
                value = found[-1]
                seeds = [base + sign * delta + shift for shift in (-0.002, 0.0, 0.002)]
                found[-1] = Finding(**{**vars(value), "seeds": seeds})
    for model, change in MODELS.items():
        found.append(finding(model, "agreement", 0.93 + change, None, audit="fidelity"))
        found.append(finding(model, "kl", 0.05 - 3 * change, None, audit="fidelity"))
        found.append(finding(model, "rank_correlation", 0.9 + change, None, audit="fidelity"))
    return found


def steps() -> list[Finding]:
    pairs = (("bow-hard", "bow-gold", 0.015), ("bow", "bow-hard", 0.012), ("bilstm", "bilstm-hard", 0.006))
    return [
        Finding(**{**vars(finding(model, "auc_roc", 0.88, step)), "reference": against, "outcome": Outcome.NOT_JUDGED})
        for model, against, step in pairs
    ]


def identities(names: list[str] | None = None, models: dict[str, float] | None = None) -> list[Finding]:
    random = rng(1, "example")
    found = []
    for place, name in enumerate(names or IDENTITIES):
        size = int(1400 * 0.82**place) + 3
        counts = {"positives": int(size * 0.4), "negatives": int(size * 0.6)}
        for metric in ("subgroup_auc", "bpsn_auc", "bnsp_auc"):
            base = 0.88 + 0.02 * float(random.standard_normal())
            common = {"audit": "identity-auc", "slice": name, "counts": counts}
            found.append(finding(REFERENCE, metric, base, None, **common))
            for model, change in (models or MODELS).items():
                if size < 25:
                    short = {
                        "outcome": Outcome.NOT_ENOUGH_DATA,
                        "value": None,
                        "delta": None,
                        "note": "Fewer than 10 positives.",
                    }
                    found.append(Finding(**{**vars(finding(model, metric, base, 0.0, **common)), **short}))
                    continue
                delta = (
                    change * 1.1 + 0.02 * float(random.standard_normal()) - (0.03 if name in ("female", "gay") else 0)
                )
                width = 0.3 / np.sqrt(size)
                found.append(finding(model, metric, base + delta, delta, width=width, margin=0.02, family=72, **common))
    return found


def ladders() -> Exhibit:
    random = rng(2, "ladder")
    rows = []
    for model, spread in (("bow", 0.28), ("bilstm", 0.08)):
        for template, gold in (
            ("My neighbour is {term} and bakes bread.", 0),
            ("Nobody should have to live beside {term}.", 1),
        ):
            entries = []
            for name in IDENTITIES:
                base = 0.2 + 0.5 * gold + 0.05 * float(random.standard_normal())
                score = float(np.clip(base + spread * random.standard_normal(), 0.01, 0.99))
                flipped = (score >= 0.5) != (base >= 0.5)
                text = template.format(term=name)
                entries.append(
                    {
                        "term": name,
                        "identity": name,
                        "text": text,
                        "score": score,
                        "reference_score": base,
                        "flipped": flipped,
                    }
                )
            rows.append(
                {"template": template, "model": model, "reference": REFERENCE, "gold": gold, "entries": entries}
            )
    return Exhibit("swaps-toxicity", "identity-swaps", "ladder", rows)


def disagreements(
    count: int = 12, text: str = "An invented sentence, number {}, about the weather in the valley."
) -> Exhibit:
    rows = [
        {
            "id": f"row-{i}",
            "text": text.format(i) if "{}" in text else text,
            "gold": i % 2,
            "reference_score": 0.9 if i % 3 else 0.1,
            "student_score": 0.2 if i % 3 else 0.7,
            "model": ("bow", "bilstm")[i % 2],
            "direction": "down" if i % 3 else "up",
            "identities": [[], ["female"], ["gay", "male"]][i % 3],
            "abusive": i % 4 == 0,
            "change": -0.7 if i % 3 else 0.6,
        }
        for i in range(count)
    ]
    return Exhibit("toxicity-test", "fidelity", "disagreements", rows)


def costs() -> Exhibit:
    table = (
        ("teacher", 22_713_602, 90_900_000, 61.0, 240.0, 310e6),
        ("bow", 80_322, 340_000, 9_800.0, 61_000.0, 12e6),
        ("bilstm", 1_702_402, 6_900_000, 710.0, 5_200.0, 48e6),
        ("tf-idf", 50_001, 1_900_000, 4_100.0, 22_000.0, 30e6),
    )
    keys = ("model", "parameters", "size_bytes", "texts_per_second_single", "texts_per_second_batch", "peak_bytes")
    return Exhibit(
        "toxicity-test",
        "cost",
        "cost",
        [{**dict(zip(keys, row, strict=True)), "threads": 2, "batch": 64, "note": ""} for row in table],
    )


def calibration() -> Exhibit:
    models = (("teacher", 0.02), ("bow", 0.09), ("bilstm", 0.04))
    bins = [(p / 10 + 0.05, n) for p, n in enumerate((900, 500, 250, 160, 120, 110, 140, 210, 480, 930))]
    rows = [
        {
            "model": name,
            "bins": [{"mean_p": p, "rate": min(max(p + off * (1 - 2 * p) * 2, 0), 1), "n": n} for p, n in bins],
        }
        for name, off in models
    ]
    return Exhibit("toxicity-test", "quality", "calibration", rows)


def subjects() -> list[Subject]:
    def make(name: str, role: str, kind: str, parameters: int, size: int, of: str = "") -> Subject:
        return Subject(name, role, f"models/{name}", ["ab" * 32], ("toxic",), kind, parameters, size, of)  # type: ignore[arg-type]

    return [
        make("teacher", "reference", "bert", 22_713_602, 90_900_000),
        make("bow", "student", "bow", 80_322, 340_000),
        make("bow-hard", "control", "bow", 80_322, 340_000, "bow"),
        make("bow-gold", "control", "bow", 80_322, 340_000, "bow"),
        make("bilstm", "student", "bilstm", 1_702_402, 6_900_000),
        make("bilstm-hard", "control", "bilstm", 1_702_402, 6_900_000, "bilstm"),
        make("tf-idf", "tfidf", "tfidf", 50_001, 1_900_000),
    ]


FACTS = {
    "title": "Toxicity, small models",
    "data": {"name": "toxicity-test", "source": "test.csv", "rows": 4000},
    "positive": "toxic",
    "threshold": 0.5,
    "level": 0.95,
    "draws": 1000,
    "seed": 0,
    "unit": "row",
    "budget": {"*/auc_roc": 0.01, "*/accuracy": 0.01, "identity-auc/*": 0.02},
    "lexicon": "1",
    "created": "2025-01-01T12:00:00Z",
    "python": "3.11.2",
    "machine": "x86_64",
    "packages": {"angelshare": "0.1.0", "numpy": "2.4.0"},
}


def findings() -> list[Finding]:
    swaps = [finding(REFERENCE, "auc", 0.93, None, suite="swaps-toxicity", audit="identity-swaps")]
    for model, change in MODELS.items():
        common = {"suite": "swaps-toxicity", "audit": "identity-swaps"}
        swaps.append(finding(model, "auc", 0.93 + change, change, margin=0.01, width=0.015, **common))
        swaps.append(finding(model, "score_range", 0.2 - 4 * change, None, **common))
    return [*quality(), *steps(), *identities(), *swaps]


def example(**changes: Any) -> Summary:
    parts: dict[str, Any] = {
        "findings": findings(),
        "subjects": subjects(),
        "exhibits": [disagreements(), ladders(), costs(), calibration()],
        "facts": FACTS,
    }
    return summarise(**{**parts, **changes})
