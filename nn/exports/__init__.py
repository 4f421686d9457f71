"""Models for other libraries, and models from them: PyTorch, scikit-learn, ONNX, plain NumPy."""
