"""What may be asked of a switch."""

import pytest

from angelshare.errors import DataError
from angelshare.switch.targets import Target


@pytest.mark.parametrize(
    ("text", "kind", "limit"),
    [
        ("deferred=0.2", "deferred", 0.2),
        ("deferred <= 20%", "deferred", 0.2),
        ("loss=.01", "loss", 0.01),
        (" group-loss=2e-2 ", "group-loss", 0.02),
    ],
)
def test_targets_are_read(text, kind, limit):
    assert Target.parse(text) == Target(kind, limit)
    assert Target.parse(str(Target.parse(text))) == Target(kind, limit)


@pytest.mark.parametrize("text", ["", "deferred", "defer=0.2", "loss=0", "loss=1", "loss=-1", "loss=1e", "loss=200%"])
def test_others_are_one_sentence(text):
    with pytest.raises(DataError, match=r"must be deferred=X, loss=X or group-loss=X.*Got"):
        Target.parse(text)
