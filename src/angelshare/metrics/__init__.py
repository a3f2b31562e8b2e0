"""Pure functions of arrays: no model, no file, no randomness of their own."""
