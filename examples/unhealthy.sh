#!/bin/sh
# Seven ways in which a comment is unhealthy, several at once, each rare (2 to 6 %), hence the class weights: without them the
# mean dev AUC is .65, with them .79. The validation split trains, the test split is audited.
# About 10 minutes on 2 cores. Ends at examples/out/unhealthy/audit/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
out=examples/out/unhealthy
train=set:unhealthy_comments:dev

angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" $train --max-length 128 --class-weights --out $out/teacher
angelshare distil bow --teacher $out/teacher --texts $train --texts set:civil_comments_spans:all --gold $train --out $out/bow
angelshare distil tfidf --gold $train --out $out/tfidf
angelshare audit reference=$out/teacher bow=$out/bow tfidf=$out/tfidf --data set:unhealthy_comments:test \
    --positive hostile --identities lexicon --out $out/audit
