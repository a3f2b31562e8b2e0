"""Every audit by its code."""

from collections.abc import Mapping

from angelshare.audits.base import Audit
from angelshare.audits.classifier.by_column import ByColumn
from angelshare.audits.classifier.cost import CostAudit
from angelshare.audits.classifier.deferral import Deferral
from angelshare.audits.classifier.false_positives import FalsePositives
from angelshare.audits.classifier.fidelity import Fidelity
from angelshare.audits.classifier.identity_auc import IdentityAuc
from angelshare.audits.classifier.identity_swaps import IdentitySwaps
from angelshare.audits.classifier.quality import Quality
from angelshare.audits.classifier.word_order import WordOrder
from angelshare.audits.encoder.glue import Glue
from angelshare.audits.encoder.mlm import Mlm
from angelshare.audits.encoder.pair_swaps import PairSwaps
from angelshare.audits.encoder.seat import Seat
from angelshare.errors import DataError
from angelshare.types import Sort

AUDITS: Mapping[str, Audit] = {
    audit.code: audit
    for audit in (
        Quality(),
        Fidelity(),
        IdentityAuc(),
        ByColumn(),
        FalsePositives(),
        IdentitySwaps(),
        Deferral(),
        WordOrder(),
        CostAudit(),
        Seat(),
        Mlm(),
        PairSwaps(),
        Glue(),
    )
}

ON_REQUEST = ("by-column", "false-positives", "word-order", "deferral", "seat", "mlm", "pair-swaps", "glue")
"""Audits that run where they are named, or where the columns or the switch that they need are there: most have neither,
word order scores each text many times, and encoders are not classifiers."""

SORTS: Mapping[str, Sort] = {Seat.code: "encoder", Mlm.code: "masked model", PairSwaps.code: "masked model"}
"""What an audit asks, where that is no classifier."""

USUAL = tuple(code for code in AUDITS if code not in ON_REQUEST)


def find(code: str) -> Audit:
    if code not in AUDITS:
        raise DataError(f"An audit must be one of {', '.join(AUDITS)}. Got '{code}' instead.")
    return AUDITS[code]


def sort_of(code: str) -> Sort:
    return SORTS.get(code, "classifier")
