"""The model card that every saved model carries: what is known, for the hub and for people."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from angelshare import runs
from angelshare.errors import ModelError

CARD = "README.md"
BEGIN, END = "<!-- angelshare audit: begin -->", "<!-- angelshare audit: end -->"

OURS = ("tfidf", "switch")
"""Kinds that angelshare alone can load."""

_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True)
class CardFacts:
    """What is known of a model; what is left out is not guessed.

    Attributes
    ----------
    name : the card's title.
    kind : the architecture ("bow", "cnn", "bilstm", "transformer", "tfidf", "teacher"...).
    role : what it was made as: "student", "control: gold", "control: hard", "teacher", "switch", and of masked models
        "encoder", "encoder: head" and "encoder: student".
    base_model : hub id of what it was compressed or fine-tuned from; a local path is told in `teacher` instead.
    data : what it learnt from, a line each. losses : name and weight or temperature.
    seeds : of initialisation and order. results : dev or test figures by name. settings : other options worth a line.
    """

    name: str
    kind: str
    labels: Sequence[str] = ()
    multilabel: bool = False
    role: str = "student"
    parameters: int | None = None
    teacher: str | None = None
    teacher_fingerprint: str | None = None
    base_model: str | None = None
    datasets: Sequence[str] = ()
    language: str | None = None
    data: Sequence[str] = ()
    losses: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, float | int | str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def write_card(directory: Path, facts: CardFacts) -> Path:
    """Write README.md into a model directory; call it before the manifest is written."""
    path = Path(directory) / CARD
    with runs.atomic_file(path) as aside:
        aside.write_text(card_text(facts), encoding="utf-8")
    return path


def card_text(facts: CardFacts) -> str:
    """The whole card: YAML front matter, then Markdown."""
    blocks = [_front_matter(facts), f"# {_plain(facts.name)}", _summary(facts), _usage(facts)]
    if facts.losses:
        blocks += ["## How it learnt", _table(("loss", "setting"), facts.losses)]
    if facts.data:
        blocks += ["## What it learnt from", "\n".join(f"- {_plain(line)}" for line in facts.data)]
    if facts.results:
        blocks += ["## Figures while training", _table(("metric", "value"), facts.results)]
    if facts.settings:
        blocks += ["## Settings", _table(("setting", "value"), facts.settings)]
    if facts.notes:
        blocks += ["## Notes", "\n".join(f"- {_plain(note)}" for note in facts.notes)]
    blocks.append(
        f"{BEGIN}\n## Audit\n\nNot audited yet: run `angelshare audit` before it decides about people.\n{END}"
    )
    return "\n\n".join(blocks) + "\n"


def add_audit(directory: Path, markdown: str) -> None:
    """Put an audit's Markdown into the card, and keep the manifests above it right.

    Raises
    ------
    ModelError : the directory has no card.
    """
    directory = Path(directory).resolve()
    path = directory / CARD
    if not path.is_file():
        raise ModelError(f"{path} does not exist, so the audit has no card to stand in. Save the model again.")
    text = path.read_text(encoding="utf-8")
    body = markdown.replace(BEGIN, "").replace(END, "").strip()
    section = f"{BEGIN}\n## Audit\n\n{body}\n{END}"
    begin, end = text.find(BEGIN), text.rfind(END)
    if not 0 <= begin < end:
        begin = end = len(text)
        section = f"\n{section}\n"
    text = text[:begin] + section + text[end + len(END) :]
    with runs.atomic_file(path) as aside:
        aside.write_text(text, encoding="utf-8")
    for above in (directory, *directory.parents):
        if (above / runs.MANIFEST).is_file():
            manifest = runs.read_manifest(above)
            name = str(path.relative_to(above))
            if name in manifest["files"]:
                manifest["files"][name] = runs.sha256(path)
                runs.write_json(above / runs.MANIFEST, manifest)


def _front_matter(facts: CardFacts) -> str:
    ours = facts.kind in OURS
    task = "fill-mask" if facts.role.startswith("encoder") else "text-classification"
    tags = ["angelshare", task, facts.kind]
    if facts.role.endswith("student"):
        tags.append("distillation")
    elif not facts.role.startswith("encoder") and facts.role not in ("teacher", "switch"):
        tags.append("control")
    entries: dict[str, Any] = {
        "library_name": "angelshare" if ours else "transformers",
        "pipeline_tag": task,
        "tags": list(dict.fromkeys(tags)),
    }
    if facts.language:
        entries["language"] = facts.language
    if facts.base_model and _HUB_ID.fullmatch(facts.base_model) and not Path(facts.base_model).exists():
        entries["base_model"] = facts.base_model
    if facts.datasets:
        entries["datasets"] = list(facts.datasets)
    # JSON is YAML: a string in its quotes cannot break out of the front matter.
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in entries.items()) + "---"


def _summary(facts: CardFacts) -> str:
    rows: dict[str, Any] = {"kind": facts.kind, "made as": facts.role}
    if facts.labels:
        rows["labels"] = ", ".join(facts.labels)
        rows["decided"] = "each label alone (sigmoid)" if facts.multilabel else "one label of all (softmax)"
    if facts.parameters is not None:
        rows["parameters"] = f"{facts.parameters:,}"
    if facts.teacher:
        rows["teacher"] = facts.teacher
    if facts.teacher_fingerprint:
        rows["teacher's fingerprint"] = facts.teacher_fingerprint
    if facts.seeds:
        rows["seeds"] = ", ".join(map(str, facts.seeds))
    return _table(("", ""), rows)


def _usage(facts: CardFacts) -> str:
    if facts.role.startswith("encoder"):
        return '```\nangelshare finetune "THIS DIRECTORY" train.csv --label label --out teacher\n```'
    lines = ["import angelshare", "", 'model = angelshare.load("THIS DIRECTORY")', 'model.predict_logits(["a text"])']
    if facts.kind not in OURS:
        lines += [
            "",
            "# once angelshare is imported, transformers loads it as well",
            "from transformers import pipeline",
            "",
            'pipeline("text-classification", model="THIS DIRECTORY")("a text")',
        ]
    return "```python\n" + "\n".join(lines) + "\n```"


def _plain(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def _table(header: tuple[str, str], rows: Mapping[str, Any]) -> str:
    lines = [f"| {header[0]} | {header[1]} |", "|---|---|"]
    lines += [f"| {_plain(name)} | {_plain(value)} |" for name, value in rows.items()]
    return "\n".join(lines)
