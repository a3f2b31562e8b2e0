#!/bin/sh
# Does mixing texts with their identity-swapped twins lessen swap flips and lift BPSN? The toxicity of news comments: the same
# students with and without it, from the same teacher, transfer set and seeds. Each seed is compared with its own counterpart,
# and all of them with the teacher. The teacher is that of toxicity.sh, or TEACHER. About 15 minutes a kind on 2 cores; to try
# it: STUDENTS=bow SEEDS=0 EPOCHS=1. Ends at examples/out/identity-mixup/*/report.html.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
out=examples/out/identity-mixup
train=set:civil_comments_spans:train
teacher=${TEACHER:-examples/out/toxicity/teacher}
students=${STUDENTS:-bow cnn} seeds=${SEEDS:-0 1 2} epochs=${EPOCHS:+--epochs $EPOCHS}

if [ ! -d "$teacher" ]; then
    angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" $train --max-length 128 --epochs 2 --out "$teacher"
fi
angelshare label "$teacher" $train --out $out/transfer

audit() { # OUT, then the models
    place=$1
    shift
    angelshare audit "$@" --data set:civil_comments_spans:test --identities lexicon --suite quality,identity-swaps,identity-auc \
        --out "$out/$place"
}

for student in $students; do
    models="reference=$teacher"
    case $student in
    cnn) how="--vocabulary 4400 --max-length 96 ${epochs:---epochs 3}" ;;
    *) how=$epochs ;;
    esac
    for seed in $seeds; do
        plain=$out/$student-plain-$seed mixed=$out/$student-mixed-$seed
        common="--teacher $teacher --texts $out/transfer --gold $train --no-controls --seed $seed"
        angelshare distil "$student" $common $how --out "$plain"
        angelshare distil "$student" $common $how --mixup-pairs identities --mixup-alpha 0.4 --out "$mixed"
        audit "$student-seed-$seed" "reference=$plain" "mixed=$mixed"
        models="$models plain=$plain mixed=$mixed"
    done
    audit "$student-teacher" $models
done
