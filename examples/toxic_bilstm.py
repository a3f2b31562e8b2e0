"""A toxicity scorer that nobody here trained, as a black box: six Jigsaw labels, each decided alone.

    angelshare label examples.toxic_bilstm:ToxicBilstm texts.csv --allow-code --out transfer
    angelshare distil bow --teacher examples.toxic_bilstm:ToxicBilstm --allow-code --texts texts.csv --out student

The weights are read from toxic-bilstm below $ANGELSHARE_MODELS: a two-way LSTM over word vectors, its largest state
over the text, two dense layers. It was trained on texts filled to 100 words from the left, and the filling moves its
scores: so they are filled here, too. It is known to call neutral sentences about some groups toxic.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64
from safetensors.torch import load_file
from torch import Tensor, nn

from angelshare import runs
from angelshare.errors import ModelError

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
WORDS = 100
ROWS = 256
"""Texts that are scored at once."""


class Network(nn.Module):
    """From word numbers (rows, words) to log-odds (rows, labels)."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        vocabulary, width = weights["embedding.weight"].shape
        states = weights["lstm.weight_hh_l0"].shape[1]
        self.embedding = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, states, batch_first=True, bidirectional=True)
        self.hidden = nn.Linear(2 * states, weights["hidden.weight"].shape[0])
        self.output = nn.Linear(self.hidden.out_features, len(LABELS))
        self.load_state_dict(weights)

    def forward(self, words: Tensor) -> Tensor:
        states, _ = self.lstm(self.embedding(words))
        logits: Tensor = self.output(self.hidden(states.amax(dim=1)).relu())
        return logits


class ToxicBilstm:
    """The scorer as a Classifier.

    Raises
    ------
    ModelError : the weights are not there.
    """

    labels = LABELS
    multilabel = True

    def __init__(self, directory: str | Path | None = None) -> None:
        folder = Path(directory or Path(os.environ.get("ANGELSHARE_MODELS", ".")) / "toxic-bilstm")
        files = (folder / "model.safetensors", folder / "vocabulary.json")
        if not all(file.is_file() for file in files):
            raise ModelError(f"{folder} lacks {files[0].name} or {files[1].name}. Set ANGELSHARE_MODELS to its parent.")
        self.network = Network(load_file(files[0])).eval()
        read = json.loads(files[1].read_text(encoding="utf-8"))
        self.numbers: dict[str, int] = read["words"]
        self.marks = str.maketrans(dict.fromkeys(read["filters"], " "))
        self.fingerprint = runs.digest("toxic-bilstm", *map(runs.sha256, files))
        self.parameters = sum(tensor.numel() for tensor in self.network.parameters())
        self.size_bytes = sum(file.stat().st_size for file in files)

    def predict_logits(self, texts: Sequence[str]) -> Float32[np.ndarray, "rows labels"]:
        """Log-odds (nats), one row a text; no text's score depends on the others."""
        parts = [np.zeros((0, len(LABELS)), dtype=np.float32)]
        with torch.inference_mode():
            for start in range(0, len(texts), ROWS):
                words = torch.from_numpy(self.words(texts[start : start + ROWS]))
                parts.append(self.network(words).numpy())
        return np.concatenate(parts)

    def words(self, texts: Sequence[str]) -> Int64[np.ndarray, "rows words"]:
        """Numbers of each text's last 100 known words, after zeros."""
        filled = np.zeros((len(texts), WORDS), dtype=np.int64)
        for row, text in enumerate(texts):
            spaced = text.lower().translate(self.marks).split(" ")
            known = [self.numbers[word] for word in spaced if word in self.numbers][-WORDS:]
            filled[row, WORDS - len(known) :] = known
        return filled
