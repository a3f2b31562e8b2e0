"""What augmentations.sh needs beside the commands: golden rows, equal numbers of copies, and the differences.

python examples/augmentations.py choose set:emotion:train 2000 OUT
python examples/augmentations.py equal OUT eda tang
python examples/augmentations.py audit TEACHER OUT set:emotion:test quality,fidelity
"""

import csv
import sys
from pathlib import Path

import numpy as np

import angelshare as ash
from angelshare.data.tables import Table, hashed
from angelshare.findings import Finding

SHOWN = ("accuracy", "macro_f1", "auc_roc", "agreement", "rank_correlation", "kl", "bpsn_auc_mean", "subgroup_auc_mean")
PAIRS = {"eda": "eda-loose", "tang": "tang-loose"}


PRETRAINED = 4_000
"""Texts, the golden ones among them, that the masked model reads."""


def choose(source: str, count: int, out: Path) -> None:
    """Golden rows to train on, all others as dev rows, and texts for the masked model; the same ones every time."""
    table = ash.read(source)
    order = np.argsort([hashed(str(name)) for name in table.ids], kind="stable")
    write(out / "gold.csv", table.take(np.sort(order[:count])))
    write(out / "dev.csv", table.take(np.sort(order[count:])))
    write(out / "texts.csv", table.take(np.sort(order[:PRETRAINED])))


def write(path: Path, table: Table) -> None:
    """Rows with their label, or their toxicity."""
    assert table.targets is not None
    column = "toxicity" if table.multilabel else "label"
    said = table.targets[:, 0] if table.multilabel else [table.labels[at] for at in table.classes]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("id", "text", column), *zip(table.ids, table.texts, said, strict=True)])


def equal(out: Path, methods: list[str]) -> None:
    """As many copies of each method as the one with the fewest has, drawn by the hash of their names."""
    tables = {name: ash.read(out / f"{name}.csv", ash.Columns(id="id")) for name in methods}
    count = min(map(len, tables.values()))
    for name, table in tables.items():
        order = np.argsort([hashed(str(of)) for of in table.ids], kind="stable")
        kept = table.take(np.sort(order[:count]))
        with open(out / f"{name}-equal.csv", "w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("id", "text"), *zip(kept.ids, kept.texts, strict=True)])


def audit(teacher: str, out: Path, data: str, suites: list[str]) -> None:
    """Figures beside the teacher's, then differences to the student without copies, and to the unprotected one."""
    names = sorted(path.name for path in (out / "students").iterdir() if (path / "config.json").exists())
    students = {
        name: [out / "students" / name, *sorted((out / "students" / name / "seeds").glob("*"))] for name in names
    }
    settings = {"data": data, "suites": suites, "answers": out / "answers"}
    beside = ash.audit(reference=teacher, models={name: found[0] for name, found in students.items()}, **settings)
    lines = [f"# {out.name}", "", "Figures, and differences to the teacher:", "", *rows(beside.findings)]
    others = {name: found[0] for name, found in students.items() if name != "none"}
    found = ash.audit(reference=students["none"], models=others, **settings)
    lines += ["", "Differences to the student without copies:", "", *rows(found.findings)]
    for name, loose in PAIRS.items():
        found = ash.audit(reference=students[loose], models={name: students[name][0]}, **settings)
        lines += ["", f"With the protect list, to {loose}:", "", *rows(found.findings)]
    (out.parent / f"{out.name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows(findings: list[Finding]) -> list[str]:
    """A table row a figure over all rows."""
    lines = ["| model | figure | value | difference |", "|---|---|---|---|"]
    for one in findings:
        if one.metric in SHOWN and one.slice in ("", "all") and one.value is not None and one.model != "reference":
            delta = (
                "" if one.delta is None else f"{one.delta.value:+.4f} ({one.delta.low:+.4f} to {one.delta.high:+.4f})"
            )
            lines.append(f"| {one.model} | {one.metric} | {one.value.value:.4f} | {delta} |")
    return lines


def main() -> None:
    """Run one of the three."""
    job, *given = sys.argv[1:]
    if job == "choose":
        choose(given[0], int(given[1]), Path(given[2]))
    elif job == "equal":
        equal(Path(given[0]), given[1:])
    else:
        audit(given[0], Path(given[1]), given[2], given[3].split(","))


if __name__ == "__main__":
    main()
