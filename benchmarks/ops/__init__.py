"""Times of single ops on large inputs, beside TensorFlow's kernels: `python -m benchmarks.ops`."""
