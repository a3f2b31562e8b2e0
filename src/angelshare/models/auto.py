"""Tell transformers of the students, so that its Auto classes and pipelines load them."""

from typing import Any

from transformers import AutoConfig, AutoModelForSequenceClassification
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

from angelshare.models.bilstm import BiLstmConfig, BiLstmForSequenceClassification
from angelshare.models.bow import BowConfig, BowForSequenceClassification
from angelshare.models.cnn import CnnConfig, CnnForSequenceClassification
from angelshare.models.pooled import PooledConfig, PooledForSequenceClassification

STUDENTS: dict[Any, Any] = {
    BowConfig: BowForSequenceClassification,
    CnnConfig: CnnForSequenceClassification,
    BiLstmConfig: BiLstmForSequenceClassification,
    PooledConfig: PooledForSequenceClassification,
}

for config, model in STUDENTS.items():
    AutoConfig.register(config.model_type, config, exist_ok=True)
    AutoModelForSequenceClassification.register(config, model, exist_ok=True)
    # The pipeline reads this list to tell whether a model fits the task, and logs an error where it is not in it.
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES[config.model_type] = model.__name__
