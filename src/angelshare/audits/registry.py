"""Every audit by its code."""

from collections.abc import Mapping

from angelshare.audits.base import Audit
from angelshare.audits.classifier.cost import CostAudit
from angelshare.audits.classifier.fidelity import Fidelity
from angelshare.audits.classifier.identity_auc import IdentityAuc
from angelshare.audits.classifier.identity_swaps import IdentitySwaps
from angelshare.audits.classifier.quality import Quality
from angelshare.errors import DataError

AUDITS: Mapping[str, Audit] = {
    audit.code: audit for audit in (Quality(), Fidelity(), IdentityAuc(), IdentitySwaps(), CostAudit())
}


def find(code: str) -> Audit:
    if code not in AUDITS:
        raise DataError(f"An audit must be one of {', '.join(AUDITS)}. Got '{code}' instead.")
    return AUDITS[code]
