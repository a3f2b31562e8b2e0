"""What figures and outcomes are called, and how a finding is said in a sentence."""

import math
from dataclasses import dataclass
from typing import Literal

from angelshare.findings import Estimate, Finding, Outcome

NO_FIGURE = "no figure"
WHOLE = ("", "all", "overall")
"""The names of the slice that holds every row."""

Unit = Literal["points", "nats", "count", "bytes", "plain"]
"""`points`: fractions, shown times 100."""


@dataclass(frozen=True)
class MetricWords:
    label: str
    unit: Unit = "points"
    order: int = 99


NAMES = {
    "auc_roc": "AUC-ROC",
    "auc": "AUC",
    "auc_pr": "AUC-PR",
    "auc_pr_reweighted": "AUC-PR, re-weighted",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "f1": "F1",
    "mcc": "MCC",
    "log_loss": "log-loss",
    "calibration_error": "calibration error",
    "false_positive_rate": "false positive rate",
    "agreement": "agreement",
    "kl": "KL divergence",
    "rank_correlation": "rank correlation",
    "flips": "flips",
    "flips_up": "flips upwards",
    "flips_down": "flips downwards",
    "subgroup_auc": "subgroup AUC",
    "bpsn_auc": "BPSN AUC",
    "bnsp_auc": "BNSP AUC",
    "aeg_neg": "AEG−",
    "aeg_pos": "AEG+",
    "jigsaw_final": "Jigsaw’s final score",
    "score_sens": "ScoreSens",
    "score_dev": "ScoreDev",
    "score_range": "ScoreRange",
    "deferred": "sent to the teacher",
    "deferred_gap": "sent to the teacher, against others",
    "deferred_text": "text sent to the teacher",
    "error": "error",
    "error_gap": "error, against others",
    "teacher_loss": "lost against its teacher",
    "recovered": "won back of the student’s loss",
    "wos": "word-order sensitivity",
    "wos_2": "the same of blocks of 2 words",
    "wos_3": "the same of blocks of 3 words",
    "wos_by_50": "the same as (100 − p) / 50",
    "wos_change": "its change on rows both get right",
    "effect_size": "effect size d",
    "mean_effect": "mean of d",
    "mean_effect_size": "mean of |d|",
    "permutation_p": "chance of d",
    "masked_accuracy": "masked tokens guessed",
    "pseudo_perplexity": "pseudo-perplexity",
    "swap_divergence": "change of the answer to swapped pairs",
    "swap_divergence_others": "the same at the words that stay",
    "swap_divergence_words": "the same at the words swapped",
    "glue_average": "GLUE average",
    "task_score": "task’s score",
    "pearson": "Pearson’s correlation",
    "spearman": "Spearman’s correlation",
    "parameters": "parameters",
    "size_bytes": "size on disk",
    "texts_per_second_single": "texts a second, one by one",
    "texts_per_second_batch": "texts a second, in batches",
    "peak_bytes": "peak memory",
    "speed_up": "speed in teachers",
    "all": "the audit",
}
"""What metrics are called, in the order in which tables show them."""

UNITS: dict[str, Unit] = {
    "log_loss": "nats",
    "kl": "nats",
    **dict.fromkeys(("wos", "wos_2", "wos_3", "wos_by_50", "wos_change"), "plain"),
    **dict.fromkeys(("swap_divergence", "swap_divergence_others", "swap_divergence_words"), "nats"),
    **dict.fromkeys(("effect_size", "mean_effect", "mean_effect_size", "permutation_p", "pseudo_perplexity"), "plain"),
    "parameters": "count",
    "size_bytes": "bytes",
    "texts_per_second_single": "count",
    "texts_per_second_batch": "count",
    "peak_bytes": "bytes",
    "speed_up": "count",
    "all": "plain",
}
"""Of those that are not fractions."""

METRICS = {name: MetricWords(label, UNITS.get(name, "points"), at) for at, (name, label) in enumerate(NAMES.items())}
SHORT = {"subgroup_auc": "Sub", "bpsn_auc": "BPSN", "bnsp_auc": "BNSP", "aeg_neg": "AEG−", "aeg_pos": "AEG+"}
FRACTIONS = ("auc", "aeg", "accuracy", "f1", "precision", "recall", "rate", "share", "flip", "score_")
"""Parts of the names of metrics that are fractions, for those not listed above."""

AUDITS = {
    "quality": "Quality",
    "fidelity": "Fidelity to the reference",
    "identity-auc": "Identity AUCs",
    "identity-swaps": "Identity swaps",
    "by-column": "Accuracy by kind",
    "false-positives": "False positives",
    "deferral": "Who goes to the teacher",
    "word-order": "Word order",
    "seat": "Associations",
    "mlm": "Masked tokens",
    "pair-swaps": "Pair swaps",
    "cost": "Cost",
    "glue": "GLUE",
}


POOLINGS = {"cls": "CLS", "mean": "mean of tokens", "first-word": "first token of the text"}
"""Whose state is a sentence's vector."""


@dataclass(frozen=True)
class OutcomeWords:
    label: str
    mark: str
    meaning: str


OUTCOMES = {
    Outcome.FAILED: OutcomeWords("failed", "!", "The audit broke off; nothing may be concluded."),
    Outcome.LOSS: OutcomeWords(
        "loss", "▼", "Worse than the reference by more than the margin: the whole interval lies beyond it."
    ),
    Outcome.INCONCLUSIVE: OutcomeWords(
        "inconclusive", "?", "The interval reaches beyond the margin, yet does not lie beyond it: more data would tell."
    ),
    Outcome.NO_LOSS: OutcomeWords("no loss", "✓", "If it is worse at all, then by less than the margin."),
    Outcome.GAIN: OutcomeWords("gain", "▲", "Better than the reference: the whole interval lies above zero."),
    Outcome.NOT_ENOUGH_DATA: OutcomeWords(
        "not enough data", "–", "Too few rows of one class for a figure that could be trusted."
    ),
    Outcome.NOT_APPLICABLE: OutcomeWords("not applicable", "·", "The question does not arise for this model or data."),
    Outcome.NOT_JUDGED: OutcomeWords(
        "not judged", "·", "A figure without a margin or without a reference: shown, never judged."
    ),
}

WITHIN = {
    None: "nothing could be judged",
    Outcome.FAILED: "not known, an audit failed",
    Outcome.LOSS: "no",
    Outcome.INCONCLUSIVE: "the data cannot tell",
    Outcome.NO_LOSS: "yes",
    Outcome.GAIN: "yes",
}


def words(metric: str) -> MetricWords:
    """What a metric is called; `auc_pr@0.08` is re-weighted to that share of positives, `effect_size@cls` is of vectors
    pooled so, `x_mean` averages groups.
    """
    name, _, rate = metric.partition("@")
    if rate in POOLINGS and name in METRICS:
        base = METRICS[name]
        return MetricWords(f"{base.label}, {POOLINGS[rate]}", base.unit, base.order)
    if rate and name in METRICS:
        base = METRICS[name]
        share = number(100 * float(rate), 1) if rate.replace(".", "", 1).isdigit() else rate
        return MetricWords(f"{base.label} at {share.removesuffix('.0')} % positives", base.unit, base.order)
    for suffix, said in (("_power_mean", "power mean"), ("_mean", "mean")):
        if metric.endswith(suffix) and metric.removesuffix(suffix) in METRICS:
            base = METRICS[metric.removesuffix(suffix)]
            return MetricWords(f"{base.label}, {said}", base.unit, base.order)
    found = METRICS.get(metric)
    if found is None:
        unit: Unit = "points" if any(part in metric.lower() for part in FRACTIONS) else "plain"
        found = MetricWords(metric.replace("_", " "), unit)
    return found


def audit_label(audit: str) -> str:
    return AUDITS.get(audit, audit.replace("-", " ").replace("_", " ").capitalize())


def spaced(name: str) -> str:
    """`homosexual_gay_or_lesbian` as words, which also lets a narrow column break it."""
    return name.replace("_", " ")


def the(name: str | None) -> str:
    """The reference as a sentence calls it."""
    return "the reference" if name in (None, "", "reference") else str(name)


def is_whole(finding: Finding) -> bool:
    return finding.slice in WHOLE


def scale(metric: str) -> float:
    return 100.0 if words(metric).unit == "points" else 1.0


def digits(metric: str, *ends: float | None) -> int:
    """Decimals: one for points and three for nats, one more where the interval is narrower than half a point."""
    least = 1 if words(metric).unit == "points" else 3
    known = [end for end in ends if end is not None]
    narrow = len(known) > 1 and (max(known) - min(known)) * scale(metric) < 5 * 10.0**-least
    return least + narrow


def number(value: float | None, decimals: int = 1, *, sign: bool = False) -> str:
    """A figure with a real minus sign; `no figure` where there is none."""
    if value is None or not math.isfinite(value):
        return NO_FIGURE
    text = f"{abs(value):,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        return text
    return ("−" if value < 0 else "+" if sign else "") + text


def amount(value: object, unit: str = "count") -> str:
    """`80.3 K`, `22.7 M`; for bytes `340 kB`, `90.9 MB` (powers of 1,000). Empty where it is not known."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return ""
    units = (" B", " kB", " MB", " GB", " TB") if unit == "bytes" else ("", " K", " M", " B", " T")
    size, place = float(value), 0
    while abs(size) >= 999.5 and place < len(units) - 1:
        size, place = size / 1000, place + 1
    return number(size, 0 if abs(size) >= 99.95 or size == int(size) else 1) + units[place]


def figure(metric: str, value: float | None, decimals: int | None = None, *, sign: bool = False) -> str:
    if value is None:
        return NO_FIGURE
    if words(metric).unit in ("count", "bytes"):
        return amount(value, words(metric).unit) or NO_FIGURE
    return number(value * scale(metric), digits(metric) if decimals is None else decimals, sign=sign)


def interval(metric: str, low: float | None, high: float | None, *, sign: bool = False) -> str:
    """`2.4 to 3.9`, or an empty string where no interval exists."""
    if low is None or high is None:
        return ""
    decimals = digits(metric, low, high)
    return f"{figure(metric, low, decimals, sign=sign)} to {figure(metric, high, decimals, sign=sign)}"


def deciding(finding: Finding) -> tuple[float | None, float | None]:
    """The interval that decided the outcome: the simultaneous one in a family, else the one of the difference."""
    if finding.family_low is not None and finding.family_high is not None:
        return finding.family_low, finding.family_high
    return (finding.delta.low, finding.delta.high) if finding.delta else (None, None)


def change(finding: Finding) -> str:
    """The difference with its sign, `−3.1`: negative is worse, whatever the metric's direction."""
    if finding.delta is None:
        return NO_FIGURE
    return figure(finding.metric, finding.delta.value, digits(finding.metric, *deciding(finding)), sign=True)


def estimate(metric: str, found: Estimate | None) -> str:
    return NO_FIGURE if found is None else figure(metric, found.value, digits(metric, found.low, found.high))
