#!/bin/sh
# Toxicity of news comments: half of the posts train, half are the test. 70 % of them are toxic, far above the rate of such
# comments, so AUC-PR is also re-weighted to 8 %. Identities come from the built-in lexicon.
# About 20 minutes on 2 cores. Ends at examples/out/toxicity/audit/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
out=examples/out/toxicity
train=set:civil_comments_spans:train

angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" $train --max-length 128 --epochs 2 --out $out/teacher
angelshare distil cnn --teacher $out/teacher --texts $train --gold $train --vocabulary 4400 --max-length 96 --epochs 3 \
    --out $out/cnn
angelshare distil bow --teacher $out/teacher --texts $train --texts set:unhealthy_comments:dev --gold $train --out $out/bow
angelshare distil tfidf --gold $train --out $out/tfidf
angelshare audit reference=$out/teacher cnn=$out/cnn bow=$out/bow tfidf=$out/tfidf --data set:civil_comments_spans:test \
    --identities lexicon --positive-rate 0.08 --out $out/audit
