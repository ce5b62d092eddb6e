"""The comparison with a live TensorFlow.

TensorFlow takes oneDNN or leaves it by the processor that it meets. Here it is left out, as it dies of much that
misfits; what is rounded as with oneDNN (small float32 results, 16-bit floats) is asked of another process that has it.
"""

import os

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
os.environ.setdefault(VARIABLE, "0")
HAS_ONEDNN = os.environ[VARIABLE] == "1"
