"""The README's lines of Python, run as they stand on small files."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from small import golden, pool, quick

from angelshare.training.finetune import FinetuneOptions, finetune

README = Path(__file__).parents[2] / "README.md"


def test_the_lines_of_python_run_as_they_stand(tmp_path, encoder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finetune(encoder, golden(40), out="teacher", options=FinetuneOptions(training=quick(epochs=1)))
    pd.DataFrame({"text": pool(40).texts}).to_parquet("pool.parquet")
    for name, table in {"train": golden(40), "test": golden(60, seed=5, name="test")}.items():
        answers = np.array(table.labels)[table.targets.argmax(1)]
        pd.DataFrame({"text": table.texts, "label": answers}).to_csv(f"{name}.csv", index=False)
    lines = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert '"unitary/toxic-bert"' in lines
    exec(compile(lines.replace("unitary/toxic-bert", "teacher"), str(README), "exec"), {})
    page = Path("report.html").read_text(encoding="utf-8")
    assert "Within budget" in page and "student:gold" in page
