"""Export a model to a file that other runtimes open: ONNX, OpenVINO and `.pt2`."""
