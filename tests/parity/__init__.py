"""The comparison with a live TensorFlow.

oneDNN is left out of TensorFlow, which otherwise takes it or not by the processor that it meets: what it gives for
float16 and bfloat16, and which ops it can not run, would go by the machine. tests/parity/test_digits.py and the
benchmarks have it.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
