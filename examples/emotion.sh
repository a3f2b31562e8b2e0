#!/bin/sh
# Six emotions in tweets: a teacher, a bag of words of at most 100,000 parameters with its controls (three seeds), TF-IDF.
# About 15 minutes on 2 cores. Ends at examples/out/emotion/audit/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
out=examples/out/emotion

angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" set:emotion:train --dev set:emotion:dev --max-length 64 --epochs 2 \
    --out $out/teacher
angelshare distil bow --teacher $out/teacher --texts set:emotion:train --gold set:emotion:train --dev set:emotion:dev \
    --seeds 3 --out $out/bow
angelshare distil tfidf --gold set:emotion:train --out $out/tfidf
angelshare audit reference=$out/teacher bow=$out/bow tfidf=$out/tfidf --data set:emotion:test \
    --suite quality --suite fidelity --suite cost --out $out/audit
