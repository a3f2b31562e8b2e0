#!/bin/sh
# The switch: a bag of words answers, MiniLM is asked where it must. On SST-2 (whole sentences) and on tweets (hate, offensive,
# neither), how much of the gap between them is won back when at most 20 % go to the teacher, by every signal of hardness,
# against an oracle and chance; on news comments, a promise to everyone on average against one to every identity group.
# Nothing is chosen on a test split: the teacher holds out its own dev rows, the calibration rows are seen by neither model.
# About 25 minutes on 2 cores. Ends at examples/out/switch/*/audit/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
out=examples/out/switch
mkdir -p $out

# Rows for training, calibration and testing where the publisher has no such parts; no text is in two of them.
python3 - $out <<'END'
import csv, pathlib, sys

from angelshare.data.catalogue import open_set
from angelshare.data.likeness import normalised
from angelshare.data.tables import hashed

def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("id", "text", "label"), *rows])

out, seen = pathlib.Path(sys.argv[1]), set()
for name, parts in (("davidson", (("train", 0.55), ("calibrate", 0.75), ("test", 1))),
                    ("civil_comments_spans", (("train", 0.4), ("calibrate", 1)))):
    seen = set() if name == "davidson" else set(map(normalised, open_set(name, "test").texts))
    table, found = open_set(name, "train"), {part: [] for part, _ in parts}
    for at, (row, text) in enumerate(zip(table.ids, table.texts)):
        if normalised(text) not in seen:
            seen.add(normalised(text))
            label = float(table.targets[at, 0]) if table.multilabel else table.labels[table.targets[at].argmax()]
            part = next(part for part, most in parts if hashed(str(row), 7) < most)
            found[part].append((row, text, label))
    for part, rows in found.items():
        write(out / name / f"{part}.csv", rows)
END

# $1: folder; $2, $3, $4: train, calibration and test; the rest: which columns, and the tokens read of a text.
compare() {
    here=$out/$1 train=$2 rows=$3 test=$4
    shift 4
    angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" $train "$@" --max-length 64 --epochs 3 --out $here/teacher
    angelshare distil bow --teacher $here/teacher --texts $train --gold $train "$@" --no-controls --out $here/bow
    angelshare switch $here/bow $here/teacher --calibrate $rows "$@" --target deferred=0.2 --transfer $here/bow.transfer \
        --not-in $test --out $here/switch
    angelshare audit reference=$here/teacher switch=$here/switch bow=$here/bow --data $test "$@" \
        --suite quality,deferral,cost --out $here/audit
}

compare sst2 set:sst2_clairett:train set:sst2_clairett:dev set:sst2_clairett:test
compare davidson $out/davidson/train.csv $out/davidson/calibrate.csv $out/davidson/test.csv --label label --id id

here=$out/civil_comments_spans columns="--toxicity label --id id"
angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" $here/train.csv $columns --max-length 128 --epochs 2 --out $here/teacher
angelshare distil bow --teacher $here/teacher --texts $here/train.csv --gold $here/train.csv $columns --no-controls --out $here/bow
for target in loss=0.04 group-loss=0.04; do
    angelshare switch $here/bow $here/teacher --calibrate $here/calibrate.csv $columns --identities lexicon \
        --target $target --out $here/${target%=*}
done
angelshare audit reference=$here/teacher average=$here/loss group=$here/group-loss bow=$here/bow \
    --data set:civil_comments_spans:test --identities lexicon --suite quality,identity-auc,deferral --out $here/audit
