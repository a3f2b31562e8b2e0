"""Chvasta et al. 2022, "Lost in Distillation": what a CNN out of a BERT loses on harder sets, and on whom."""
