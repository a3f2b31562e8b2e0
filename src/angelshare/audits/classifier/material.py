"""What the data is made of: how many rows, how long, how its labels are spread."""

import numpy as np

from angelshare.audits.base import AuditData
from angelshare.audits.classifier.drawn import truths


def material(data: AuditData) -> dict[str, object]:
    """For whoever reads a figure, and for advice.

    `words` is the median of a text; `entropy` that of the labels as a share of the largest possible, the mean over
    labels where several may hold.
    """
    lengths = [len(text.split()) for text in data.table.texts]
    shares = (
        truths(data).mean(axis=0) if data.multilabel else np.bincount(data.table.classes, minlength=len(data.labels))
    )
    spread = np.stack((shares, 1 - shares)) if data.multilabel else (shares / len(lengths))[:, None]
    entropies = -np.sum(spread * np.log(spread, out=np.zeros_like(spread), where=spread > 0), axis=0)
    rarest = int(np.argmin(shares))
    return {
        "rows": len(lengths),
        "words": float(np.median(lengths)),
        "labels": len(data.labels),
        "multilabel": data.multilabel,
        "entropy": float(entropies.mean() / np.log(len(spread))),
        "rarest": data.labels[rarest],
        "rarest_rows": round(float(shares[rarest]) * (len(lengths) if data.multilabel else 1)),
    }
