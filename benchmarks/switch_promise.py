"""How often a switch breaks its promise, with a pool of real answers as the population.

    python benchmarks/switch_promise.py [--student DIR --teacher DIR --pool set:NAME:PART] [--sets 1000] [--rows 2000]

Both models answer the pool once. Calibration sets are drawn from it with replacement; the figure that a target limits
is measured on the whole pool. Without models the pool is made up. Prints the table of docs/switch.md.
"""

import argparse

from angelshare.collect.switching import answers
from angelshare.data.tables import Columns
from angelshare.switch.coverage import TARGETS, broken, made_up, table
from angelshare.switch.targets import Target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--student")
    parser.add_argument("--teacher")
    parser.add_argument("--pool")
    parser.add_argument("--label", help="the pool's column of labels, where it is a file")
    parser.add_argument("--sets", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--delta", type=float, default=0.1)
    parser.add_argument("--signal", default="margin")
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    options = parser.parse_args()
    if options.pool:
        columns = Columns(label=options.label)
        pool = answers(options.student, options.teacher, options.pool, columns=columns, identities="lexicon")
    else:
        pool = made_up(20_000)
    settings = {"sets": options.sets, "size": options.rows, "delta": options.delta, "signal": options.signal}
    print(table([broken(pool, Target.parse(text), **settings) for text in options.targets], options.rows))


if __name__ == "__main__":
    main()
