#!/bin/sh
# What each augmentation adds: `bow` students, three seeds, from 2,000 golden texts and the same number of copies by each
# method, on emotion and on the toxicity of news comments. About an hour on 2 cores, most of it for the texts that
# smollm2-135m writes. The teachers are those of emotion.sh and toxicity.sh. Ends at examples/out/augmentations/*.md.
set -eu
: "${ANGELSHARE_DATA:?Name the folder of the data sets.}" "${ANGELSHARE_MODELS:?Name the folder of the models.}"
teachers=${TEACHERS:-examples/out}

compare() { # NAME, TRAIN, TEST, PARTS OF THE AUDIT, then COLUMNS
    name=$1 train=$2 test=$3 suites=$4
    shift 4
    out=examples/out/augmentations/$name
    mkdir -p "$out"
    python examples/augmentations.py choose "$train" 2000 "$out"
    angelshare pretrain "$ANGELSHARE_MODELS/minilm-l6" "$out/gold.csv" "$out/dev.csv" --id id --epochs 3 --max-length 64 \
        --out "$out/masked-model"
    for method in eda tang masked; do
        model=
        if [ $method = masked ]; then model="--language-model $out/masked-model"; fi
        angelshare augment "$out/gold.csv" --id id --method $method --per-text 3 $model --out "$out/$method.csv"
        if [ $method = masked ]; then continue; fi
        angelshare augment "$out/gold.csv" --id id --method $method --per-text 3 --no-protect --out "$out/$method-loose.csv"
    done
    angelshare augment "$out/gold.csv" --id id --method generate "$@" --per-text 2 \
        --language-model "$ANGELSHARE_MODELS/smollm2-135m" --out "$out/generate.csv"
    python examples/augmentations.py equal "$out" eda eda-loose tang tang-loose masked generate
    for method in none eda eda-loose tang tang-loose masked generate; do
        texts=
        if [ $method != none ]; then texts="--texts $out/$method-equal.csv"; fi
        angelshare distil bow --teacher "$teachers/$name/teacher" --gold "$out/gold.csv" "$@" --id id --dev "$out/dev.csv" \
            $texts --no-controls --seeds 3 --out "$out/students/$method"
    done
    python examples/augmentations.py audit "$teachers/$name/teacher" "$out" "$test" "$suites"
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
