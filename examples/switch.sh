#!/bin/sh
# The switch on news comments: a bag of words answers, MiniLM is asked where it must. A promise to everyone on average against
# one to every identity group: who is sent to the teacher, and what that leaves of each group's loss. Both models are those of
# `reproduce unreasonable-distillation --scale cpu`, at STUDY; it is made where it is not there, which takes two hours. They are
# calibrated on comments that neither has seen, and audited on the publisher's test half.
# About 10 minutes on 2 cores. Ends at examples/out/switch/audit/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}"
out=examples/out/switch study=${STUDY:-examples/out/posts} columns="--toxicity label --id id"
mkdir -p $out

angelshare reproduce unreasonable-distillation --scale cpu --out "$study"

python - $out/calibrate.csv <<'END'
import csv, sys

from angelshare.data.tables import read
from angelshare.recipes.papers import read_recipe
from angelshare.recipes.rows import first, without

sizes = read_recipe("unreasonable-distillation").scale("cpu").sizes["civil_comments"]
train, test = (read(f"set:civil_comments_spans:{part}") for part in ("train", "test"))
seen = set(first(without(train, [first(test, sizes.test)]), sizes.train).ids)
left = without(train, [test])
with open(sys.argv[1], "w", newline="", encoding="utf-8") as stream:
    rows = csv.writer(stream)
    rows.writerow(("id", "text", "label"))
    rows.writerows(row for row in zip(left.ids, left.texts, left.targets[:, 0]) if row[0] not in seen)
END

here=$study/civil_comments
for target in loss=0.04 group-loss=0.04; do
    angelshare switch "$here/bow" "$here/teacher" --calibrate $out/calibrate.csv $columns --identities lexicon \
        --target $target --out $out/${target%=*}
done
angelshare audit reference="$here/teacher" average=$out/loss group=$out/group-loss bow="$here/bow" \
    --data set:civil_comments_spans:test --identities lexicon --suite quality,identity-auc,deferral --out $out/audit
