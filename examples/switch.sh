#!/bin/sh
# The switch on offensive tweets: a bag of words answers, MiniLM is asked where it must. A promise to everyone on average
# against one to every identity group as well: who is sent to the teacher, and what that leaves of each group's loss. Both
# models are those of `reproduce unreasonable-distillation --scale cpu`, at STUDY; it is made where it is not there, which takes
# two hours. They are calibrated on rows that neither has seen, and audited on the part that the study held out. Last, the
# promises are put to the test on a population of real answers: 1,000 calibrations of each.
# About 15 minutes on 2 cores. Ends at examples/out/switch/audit/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}"
out=examples/out/switch study=${STUDY:-examples/out/posts} columns="--label label --id id --identities lexicon"
mkdir -p $out

angelshare reproduce unreasonable-distillation --scale cpu --out "$study"

python - $out <<'END'
import csv, sys

import numpy as np

from angelshare.data.tables import read
from angelshare.recipes.papers import read_recipe
from angelshare.recipes.rows import without
from angelshare.recipes.unreasonable_distillation.study import HELD_OUT, Material

recipe = read_recipe("unreasonable-distillation")
seen = Material.of(recipe.datasets["davidson"], recipe.scale("cpu").sizes["davidson"])
train, test = read("set:davidson:train").split(HELD_OUT, 0)
rest = without(train, [seen.train, seen.dev, test])
for name, tables in {"calibrate": [rest], "test": [test], "pool": [rest, test]}.items():
    with open(f"{sys.argv[1]}/{name}.csv", "w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(("id", "text", "label"))
        for table in tables:
            labels = [table.labels[place] for place in np.argmax(table.targets, axis=1)]
            rows.writerows(zip(table.ids, table.texts, labels))
END

here=$study/davidson
for target in loss=0.03 group-loss=0.03; do
    angelshare switch "$here/bow" "$here/teacher" --calibrate $out/calibrate.csv $columns --target $target \
        --out $out/${target%=*}
done
angelshare audit reference="$here/teacher" average=$out/loss group=$out/group-loss bow="$here/bow" \
    --data $out/test.csv $columns --suite quality,deferral --out $out/audit
python benchmarks/switch_promise.py --student "$here/bow" --teacher "$here/teacher" --pool $out/pool.csv --label label \
    --targets deferred=0.2 loss=0.01 group-loss=0.05
