"""The cheap model that everything should beat: TF-IDF and logistic regression on the golden labels."""

from pathlib import Path

from angelshare.data.tables import Columns, Table, read, require_classes
from angelshare.models.card import CardFacts
from angelshare.models.tfidf import Tfidf
from angelshare.runs import atomic_directory, write_json
from angelshare.training.rows import golden_rows, table_digest
from angelshare.training.workplace import TRAINING, Workplace

__all__ = ["baseline"]


def baseline(gold: Table | str | Path, *, out: str | Path, columns: Columns | None = None) -> Tfidf:
    """Fit tf-idf to golden labels and save it in `out`; needs no torch.

    Raises
    ------
    DataError : `gold` has one class only, or `out` holds something else.
    """
    table = gold if isinstance(gold, Table) else read(gold, columns)
    require_classes(table)
    facts = {"command": "distil", "student": {"kind": "tfidf"}, "data": {"gold": table_digest(table)}}
    place = Workplace(out, facts)
    if place.finished:
        return Tfidf.load(place.out)
    model = Tfidf.fit(
        table.texts,
        golden_rows(table).targets,
        labels=table.labels,
        multilabel=table.multilabel,
        weights=table.weights,
    )
    made = place.work / "made"
    with atomic_directory(made) as aside:
        data = [f"{len(table):,} golden rows ({table.name})"]
        model.write(aside, CardFacts("tf-idf", "tfidf", table.labels, table.multilabel, role="baseline", data=data))
        write_json(aside / TRAINING, {"facts": place.facts, "training": {"role": "baseline", "rows": len(table)}})
    place.publish({"": made})
    return Tfidf.load(place.out)
