#!/bin/sh
# What each augmentation adds: `bow` students, three seeds, from ROWS golden texts and the same number of copies by each of
# METHODS, on emotion and on the toxicity of news comments. A causal model on 2 cores writes one text a second at best: take
# generate with ROWS=500 and COPIES=1, and the others with thousands. The teachers are those of emotion.sh and toxicity.sh,
# or in TEACHERS.
# Ends at examples/out/augmentations-ROWS/*.md.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
rows=${ROWS:-500} copies=${COPIES:-1} methods=${METHODS:-eda eda-loose tang tang-loose masked generate}
teachers=${TEACHERS:-examples/out}

augment() { # FILE OF TEXTS, METHOD, OUT, then the columns of labels
    texts=$1 method=$2 file=$3
    shift 3
    case $method in
    *-loose) set -- --method "${method%-loose}" --per-text $copies --no-protect ;;
    masked) set -- --method masked --per-text $copies --language-model "$out/masked-model" ;;
    generate) set -- --method generate --per-text $copies --language-model "$ANGELSHARE_MODELS/smollm2-135m" "$@" ;;
    *) set -- --method "$method" --per-text $copies ;;
    esac
    angelshare augment "$texts" --id id "$@" --out "$file"
}

compare() { # NAME, TRAIN, TEST, AUDITS, then the columns of labels
    name=$1 train=$2 test=$3 audits=$4
    shift 4
    out=examples/out/augmentations-$rows/$name
    mkdir -p "$out"
    python examples/augmentations.py choose "$train" "$rows" "$out"
    angelshare pretrain "$ANGELSHARE_MODELS/minilm-l6" "$out/texts.csv" --id id --epochs 2 --max-length 64 \
        --out "$out/masked-model"
    for method in $methods; do
        augment "$out/gold.csv" "$method" "$out/$method.csv" "$@"
    done
    python examples/augmentations.py equal "$out" $methods
    for method in none $methods; do
        texts=
        if [ "$method" != none ]; then texts="--texts $out/$method-equal.csv"; fi
        angelshare distil bow --teacher "$teachers/$name/teacher" --gold "$out/gold.csv" "$@" --id id --dev "$out/dev.csv" \
            $texts --no-controls --seeds 3 --out "$out/students/$method"
    done
    python examples/augmentations.py audit "$teachers/$name/teacher" "$out" "$test" "$audits"
}

if [ ! -d "$teachers/emotion/teacher" ]; then
    angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" set:emotion:train --dev set:emotion:dev --max-length 64 --epochs 2 \
        --out "$teachers/emotion/teacher"
fi
if [ ! -d "$teachers/toxicity/teacher" ]; then
    angelshare finetune "$ANGELSHARE_MODELS/minilm-l6" set:civil_comments_spans:train --max-length 128 --epochs 2 \
        --out "$teachers/toxicity/teacher"
fi
compare emotion set:emotion:train set:emotion:test quality,fidelity --label label
compare toxicity set:civil_comments_spans:train set:civil_comments_spans:test quality,fidelity,identity-auc \
    --toxicity toxicity
