"""Tiny files of our own making in their publishers' formats, a folder a public set."""

import json

import numpy as np

from .example import write

GROUPS = ("women", "gay people", "Muslims")
TERMS = ("gay", "deaf", "middle aged", "sikh")
ADJECTIVES = [(label, f"{say}{i}") for label, say in (("nontoxic", "kind"), ("toxic", "bad")) for i in range(8)]
NAMES = ("Ada", "Bo", "Cy")


def hatecheck(root):
    rows = []
    for kind, label, say in (
        ("derog_h", "hateful", "bad"), ("threat_h", "hateful", "very bad"), ("ident_nh", "non-hateful", "kind"),
        ("negate_nh", "non-hateful", "not bad"), ("target_obj_nh", "non-hateful", "bad table"),
    ):  # fmt: skip
        for template in range(10):
            for group in GROUPS if kind != "target_obj_nh" else ("",) * 3:
                rows.append(
                    {
                        "": len(rows), "functionality": kind, "case_id": len(rows) + 1,
                        "test_case": f"{say} case {template} on {group or 'it'} {len(rows)}", "label_gold": label,
                        "target_ident": group, "direction": "general", "focus_words": "", "focus_lemma": "",
                        "ref_case_id": "", "ref_templ_id": "", "templ_id": f"{kind}-{template}", "case_templ": "",
                    }
                )  # fmt: skip
    (root / "hatecheck").mkdir()
    write(root / "hatecheck" / "test_suite_cases.csv", rows)


def madlibs(root):
    rows = [("verb_adj", "toxic", f"bad {term}") for term in TERMS]
    rows += [("am_hate_adj", "nontoxic", f"I am {term}") for term in TERMS]
    rows += [
        (kind, label, say.format(a=adjective, t=term, n=name))
        for kind, say, names in (
            ("being_adj", "Being {t} is {a}", ("",)),
            ("you_are_adj", "You are a {a} {t}", ("",)),
            ("name_adj", "{n} is a {a} {t}", NAMES),
        )
        for label, adjective in ADJECTIVES
        for name in names
        for term in TERMS
    ]
    rows += [("you_occupation", "nontoxic", f"You are a kind {job}") for job in ("baker", "coal miner")]
    (root / "madlibs").mkdir()
    found = [{"template": kind, "toxicity": label, "phrase": phrase} for kind, label, phrase in rows]
    write(root / "madlibs" / "en_sentence_templates.csv", found)


def civil_comments(root):
    rng = np.random.default_rng(1)
    posts, ratings = [], []
    for post in range(240):
        toxic = rng.random() < 0.5
        about = ("a woman", "a muslim", "the weather")[post % 3]
        posts.append({"comment_id": post, "comment_text": f"a {'bad' if toxic else 'kind'} post {post} on {about}"})
        ratings += [{"comment_id": post, "not toxic": int(not toxic)} for _ in range(3)]
    (root / "civil_comments_spans").mkdir()
    write(root / "civil_comments_spans" / "comments.csv", posts)
    write(root / "civil_comments_spans" / "annotations.csv", ratings)


def covert(root):
    (root / "implicit_hate").mkdir()
    classes = ("not_hate", "not_hate", "implicit_hate", "explicit_hate")
    posts = [(f"{'kind' if c == 'not_hate' else 'bad'} post {i}", c) for i in range(40) for c in classes]
    text = "post\tclass\n" + "".join(f"{post} {c}\t{c}\n" for post, c in posts)
    (root / "implicit_hate" / "implicit_hate_v1_stg1_posts.tsv").write_text(text)
    ironic = "".join(f"{post} {c}\tirony\t\n" for post, c in posts[::2] if c == "implicit_hate")
    text = "post\timplicit_class\textra_implicit_class\n" + ironic
    (root / "implicit_hate" / "implicit_hate_v1_stg2_posts.tsv").write_text(text)
    (root / "unhealthy_comments").mkdir()
    names = (
        "antagonize",
        "condescending",
        "dismissive",
        "generalisation",
        "generalisation_unfair",
        "hostile",
        "sarcastic",
    )
    rows = []
    for at in range(120):
        holding = {0: ("sarcastic",), 1: ("generalisation", "generalisation_unfair"), 2: ("hostile", "dismissive")}
        mine = holding.get(at % 6, ())
        say = "bad" if mine else "kind"
        rows.append(
            {"_unit_id": at, "comment": f"{say} words {at}", "healthy": 1, **{n: int(n in mine) for n in names}}
        )
    write(root / "unhealthy_comments" / "test.csv", rows)


def toxigen(root):
    rows = [
        {"id": at, "text": f"{('a kind', 'a bad')[at % 2]} statement {at}", "toxicity_score": 1.0,
         "label": ("neutral", "hate")[at % 2], "target_groups": [("women", "muslim")[at // 2 % 2]]}
        for at in range(100)
    ]  # fmt: skip
    (root / "toxigen").mkdir()
    (root / "toxigen" / "toxiGen.json").write_text(json.dumps(rows))


def all_sets(root):
    for make in (hatecheck, madlibs, civil_comments, covert, toxigen):
        make(root)
