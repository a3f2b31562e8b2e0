"""Whole runs under one name. The papers' recipes join the demo here."""
