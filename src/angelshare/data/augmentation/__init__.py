"""More texts out of texts: each augmentation is a pure function of words and a random stream. No torch."""

from angelshare.data.augmentation.methods import METHODS, AugmentOptions
from angelshare.data.augmentation.writing import augment

__all__ = ["METHODS", "AugmentOptions", "augment"]
