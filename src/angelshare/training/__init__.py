"""Training: teachers out of encoders, transfer sets out of teachers, students out of transfer sets."""
