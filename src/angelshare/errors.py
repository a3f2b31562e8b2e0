"""Errors a user can mend. Everything else is a fault of ours and keeps its traceback."""


class AngelshareError(Exception):
    """One sentence for the user: what, the rule, the value, the next step. The command line exits with 2."""


class DataError(AngelshareError):
    """A file or a value in it cannot be used; the message names file, row and column."""


class AbsentSet(DataError):
    """A public set's files are not here, and it cannot be had from the hub."""


class Taken(DataError):
    """A place holds something else, and nothing is written over."""


class ModelError(AngelshareError):
    """A model cannot be loaded, or does not fit what is asked of it."""


class WrongKind(ModelError):
    """A model of another kind than the one asked for: the question does not arise for it."""


class DamagedFile(AngelshareError):
    """A file differs from what its manifest says of it."""


class TrainingError(AngelshareError):
    """Training cannot go on: a non-finite loss or gradient, say; the message names the rows of the batch."""


class MissingPart(AngelshareError):
    """An optional part is not installed; the message names the extra that brings it."""
