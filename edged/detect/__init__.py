"""Finding things in pictures: ONNX models, their output layouts, and the workers that all cameras share."""

from edged.detect.check import ModelReport, check_model, report_json, report_lines
from edged.detect.feed import Feed, FeedSettings
from edged.detect.model import Detector, ModelOptions, load_model
from edged.detect.worker import InferenceWorkers

__all__ = [
    "Detector",
    "Feed",
    "FeedSettings",
    "InferenceWorkers",
    "ModelOptions",
    "ModelReport",
    "check_model",
    "load_model",
    "report_json",
    "report_lines",
]
