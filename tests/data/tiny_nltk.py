"""A WordNet of a few words and a tagger of a few more, in the files that nltk reads."""

import json
from pathlib import Path

NOUNS = [["film", "movie", "picture_show"], ["plot", "story"], ["dog", "hound"]]
VERBS = [["watch", "view"], ["love", "adore"]]
ADJECTIVES = [["good", "fine"], ["happy", "glad", "gay"], ["bad", "atomic_number_13"]]
TAGS = {
    "film": "NN", "movie": "NN", "plot": "NN", "story": "NN", "dog": "NN", "watch": "VB", "love": "VB", "good": "JJ",
    "bad": "JJ", "happy": "JJ", "gay": "JJ", "the": "DT", "a": "DT", "not": "RB", "very": "RB",
}  # fmt: skip


def tiny_nltk(folder: Path) -> Path:
    """Write both below `folder`/nltk; returns `folder`."""
    wordnet = folder / "nltk" / "corpora" / "wordnet"
    wordnet.mkdir(parents=True)
    (wordnet / "lexnames").write_text("00\tall\t1\n")
    for name, letter, synsets in (
        ("noun", "n", NOUNS),
        ("verb", "v", VERBS),
        ("adj", "a", ADJECTIVES),
        ("adv", "r", []),
    ):
        data, index, offset = "", "", 0
        for words in synsets:
            spelled = " ".join(f"{word} 0" for word in words)
            line = f"{offset:08d} 00 {letter} {len(words):02x} {spelled} 000 | made up\n"
            index += "".join(f"{word} {letter} 1 0 1 0 {offset:08d}\n" for word in words)
            data += line
            offset += len(line)
        (wordnet / f"data.{name}").write_text(data)
        (wordnet / f"index.{name}").write_text(index)
        (wordnet / f"{name}.exc").write_text("films film\n" if name == "noun" else "")
    tagger = folder / "nltk" / "taggers" / "averaged_perceptron_tagger_eng"
    tagger.mkdir(parents=True)
    parts = {"classes": sorted(set(TAGS.values())), "tagdict": TAGS, "weights": {"bias": {"NN": 1.0}}}
    for name, part in parts.items():
        (tagger / f"averaged_perceptron_tagger_eng.{name}.json").write_text(json.dumps(part))
    return folder
