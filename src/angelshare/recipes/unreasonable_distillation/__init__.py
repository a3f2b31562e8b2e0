"""Wasserblat's posts on the unreasonable effectiveness of distillation: which tiny student is enough, and when."""
