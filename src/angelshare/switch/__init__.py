"""The switch's arithmetic: signals learnt, one chosen, and a threshold that keeps a promise. No model is run here."""

from angelshare.switch.calibrate import Calibration, calibrate
from angelshare.switch.rows import Answered
from angelshare.switch.targets import Target

__all__ = ["Answered", "Calibration", "Target", "calibrate"]
