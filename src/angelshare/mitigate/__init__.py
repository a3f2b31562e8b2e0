"""Mitigation: what may lessen a student's bias. Here, which texts to add to a transfer set."""
