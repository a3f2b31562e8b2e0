#!/bin/sh
# A scorer that nobody here trained, and that is known to call neutral sentences about some groups toxic, as a black box: it
# labels three pools, half of the 24,000 texts kept are toxic to it, and students learn from its answers alone. Is its bias
# inherited, worsened or lessened? The first page of the report says it of each student.
# It is inherited where the pools hold the group's word often ("gay", 196 texts), and lessened where hardly ("bisexual", 5).
# About 10 minutes on one core. Run it in the root of the checkout. Ends at examples/out/black_box/audit/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
export PYTHONPATH=".${PYTHONPATH:+:$PYTHONPATH}"
out=examples/out/black_box
teacher=examples.toxic_bilstm:ToxicBilstm

angelshare label $teacher set:wikipedia_talk:train set:implicit_hate:train set:davidson:train --allow-code \
    --count 24000 --balance 0.5 --positive toxic --not-in set:hatecheck:test --not-in set:madlibs:short --distinct \
    --out $out/transfer
angelshare distil bow --texts $out/transfer --no-controls --seeds 3 --out $out/bow
angelshare distil cnn --texts $out/transfer --no-controls --vocabulary 4400 --max-length 64 --epochs 3 --out $out/cnn
angelshare audit reference=$teacher bow=$out/bow cnn=$out/cnn --allow-code --positive toxic \
    --suite madlibs-short --suite hatecheck --suite identity-swaps --rows 8000 --out $out/audit
