"""The network as ONNX files, which run without PyTorch."""
