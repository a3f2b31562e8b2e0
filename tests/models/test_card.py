import pytest
import yaml
from huggingface_hub import ModelCard

from angelshare import runs
from angelshare.errors import ModelError
from angelshare.models.card import CardFacts, add_audit, card_text, write_card

FACTS = CardFacts(
    "Film student",
    "bow",
    ("neg", "pos"),
    parameters=81_218,
    teacher="owner/teacher",
    teacher_fingerprint="ab" * 32,
    base_model="owner/teacher",
    data=["2,000 labelled rows of films.csv", "8,000 texts with the teacher's scores"],
    losses={"kl": "weight 1, T 2", "golden": "weight 0.5"},
    seeds=(0, 1, 2),
    results={"accuracy": 0.79},
    settings={"epochs": 20},
    notes=["gold control beside it"],
)


def test_front_matter_is_what_the_hub_reads() -> None:
    card = ModelCard(card_text(FACTS))
    assert card.data.library_name == "transformers"
    assert card.data.base_model == "owner/teacher"
    assert card.data.license is None
    assert {"angelshare", "text-classification", "bow", "distillation"} == set(card.data.tags)
    for known in (
        "81,218",
        "owner/teacher",
        "ab" * 32,
        "weight 1, T 2",
        "0, 1, 2",
        "2,000 labelled rows",
        "0.79",
        "20",
    ):
        assert known in card.text


def test_what_is_not_known_is_left_out(tmp_path) -> None:
    text = card_text(CardFacts("x", "tfidf", base_model=str(tmp_path)))
    front = yaml.safe_load(text.split("---")[1])
    assert front["library_name"] == "angelshare"
    assert "base_model" not in front and "license" not in front
    assert "teacher" not in text and "None" not in text


def test_hostile_facts_stay_in_their_place() -> None:
    facts = CardFacts('x\n---\nlicense: "mit"', "bow", ("a|b", "<script>"), base_model="a\n---\nb", data=["x\n# y"])
    text = card_text(facts)
    front = yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))
    assert set(front) == {"library_name", "pipeline_tag", "tags"}
    assert "a\\|b" in text and "<script>" not in text and "\n# y" not in text


def test_an_audit_joins_the_card_and_the_manifests_stay_right(tmp_path) -> None:
    with runs.atomic_directory(tmp_path / "out") as aside:
        (aside / "model.safetensors").write_bytes(b"w")
        write_card(aside, FACTS)
        (aside / "controls" / "gold").mkdir(parents=True)
        write_card(aside / "controls" / "gold", FACTS)
        runs.write_manifest(aside / "controls" / "gold")
    out = tmp_path / "out"
    assert "Not audited yet" in (out / "README.md").read_text()
    for directory in (out, out / "controls" / "gold"):
        add_audit(directory, "No loss on any identity.")
        add_audit(directory, "A loss of 0.03 on one.")
        text = (directory / "README.md").read_text()
        assert "A loss of 0.03" in text and "Not audited" not in text and "No loss" not in text
        assert text.count("## Audit") == 1
    runs.verify(out)
    runs.verify(out / "controls" / "gold")
    (out / "README.md").write_text("# Mine\n")
    add_audit(out, "Again.")
    assert (out / "README.md").read_text().startswith("# Mine\n")
    runs.verify(out)
    with pytest.raises(ModelError, match="no card"):
        add_audit(tmp_path, "x")
