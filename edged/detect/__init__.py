"""Finding things in pictures: ONNX models, their output layouts, and the workers that all cameras share."""
