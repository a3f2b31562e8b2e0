#!/bin/sh
# The switch on news comments: a bag of words answers, MiniLM is asked where it must. A promise to everyone on average against
# one to every identity group: who is sent to the teacher, and what that leaves of each group's loss. SST-2 and tweets are in
# `angelshare reproduce unreasonable-distillation`. The calibration rows are seen by neither model, and by no audit.
# About 15 minutes on 2 cores. Ends at examples/out/switch/audit/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
out=examples/out/switch columns="--toxicity label --id id"
mkdir -p $out

# Two parts of the training rows, by the hash of their id: to learn from, and to calibrate on. No text is in two of them.
python - $out <<'END'
import csv, pathlib, sys

from angelshare.data.catalogue import open_set
from angelshare.data.likeness import normalised
from angelshare.data.tables import hashed

out, seen = pathlib.Path(sys.argv[1]), set(map(normalised, open_set("civil_comments_spans", "test").texts))
table, found = open_set("civil_comments_spans", "train"), {"train": [], "calibrate": []}
for row, text, label in zip(table.ids, table.texts, table.targets[:, 0]):
    if normalised(text) not in seen:
        seen.add(normalised(text))
        found["train" if hashed(str(row), 7) < 0.4 else "calibrate"].append((row, text, float(label)))
for part, rows in found.items():
    with open(out / f"{part}.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("id", "text", "label"), *rows])
END

angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" $out/train.csv $columns --max-length 96 --epochs 2 --out $out/teacher
angelshare distil bow --teacher $out/teacher --texts $out/train.csv --gold $out/train.csv $columns --no-controls --out $out/bow
for target in loss=0.04 group-loss=0.04; do
    angelshare switch $out/bow $out/teacher --calibrate $out/calibrate.csv $columns --identities lexicon \
        --target $target --out $out/${target%=*}
done
angelshare audit reference=$out/teacher average=$out/loss group=$out/group-loss bow=$out/bow \
    --data set:civil_comments_spans:test --identities lexicon --suite quality,identity-auc,deferral --out $out/audit
