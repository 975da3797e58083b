"""An ONNX file opened by onnxruntime on one execution provider."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

# Unless told otherwise before it is imported, onnxruntime (1.31 on Linux) reports what it does to its maker
# and leaves a device id in the user's home and in /tmp. A camera's box tells nobody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from edged.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
"""Our short names, and onnxruntime's."""

# One thread per worker as on the CPU: OpenVINO alone does not go by the session's own setting.
_OPTIONS = {"openvino": {"num_of_threads": "1"}}

_LOG_ERRORS_ONLY = 3
_CODE_AND_PATH = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed:)?")
FLOATS: dict[str, type[np.floating[Any]]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
"""Types of the input that a picture can be turned into."""


class ProviderError(ModelError):
    """This execution provider cannot open or run this model; another one may."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output as the file declares it; a dimension that varies has a name or none."""

    name: str
    shape: tuple[int | str | None, ...]
    type: str

    def __str__(self) -> str:
        return f"{self.name} {'x'.join(str(side or '?') for side in self.shape)} {self.type}"


@dataclass(frozen=True, slots=True)
class Signature:
    """What an ONNX file says of itself."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str]

    def __str__(self) -> str:
        task = self.metadata.get("task")
        said = [f"input {tensor}" for tensor in self.inputs] + [f"output {tensor}" for tensor in self.outputs]
        return ", ".join([*said, f"task {task!r}"] if task else said)


class OnnxSession:
    """A model on one execution provider; any number of threads may run it."""

    def __init__(self, path: Path, provider: str) -> None:
        self.provider = provider
        self._session = _create(path, provider)
        self.signature = Signature(
            inputs=tuple(_tensor(node) for node in self._session.get_inputs()),
            outputs=tuple(_tensor(node) for node in self._session.get_outputs()),
            metadata=dict(self._session.get_modelmeta().custom_metadata_map),
        )

    def run(self, blob: NDArray[Any]) -> list[Any]:
        """All outputs for ``blob`` as the only input."""
        try:
            return list(self._session.run(None, {self.signature.inputs[0].name: blob}))
        except Exception as error:
            msg = f"inference on {self.provider} failed: {_first_line(error)}"
            raise ProviderError(msg) from error


def _create(path: Path, provider: str) -> onnxruntime.InferenceSession:
    wanted = PROVIDERS[provider]
    if wanted not in onnxruntime.get_available_providers():
        msg = "the installed onnxruntime does not have it"
        raise ProviderError(msg)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Spinning threads would burn five times the CPU of the inference itself at 5 fps.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _LOG_ERRORS_ONLY
    providers = [(wanted, _OPTIONS.get(provider, {}))]  # what it cannot do runs on the CPU by itself
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
    except Exception as error:
        raise ProviderError(_first_line(error)) from error
    # onnxruntime leaves out a provider whose libraries do not load and says so only in its own log.
    if session.get_providers()[0] != wanted:
        msg = "onnxruntime has it but could not start it (driver or libraries missing)"
        raise ProviderError(msg)
    return session


def _tensor(node: Any) -> Tensor:  # noqa: ANN401 - onnxruntime has no types
    return Tensor(node.name, tuple(node.shape), node.type)


def _first_line(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return _CODE_AND_PATH.sub("", first) or first
