"""How sure a figure is: resampling, DeLong, simultaneous intervals, outcomes."""
