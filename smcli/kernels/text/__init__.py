"""The ops of TensorFlow Text: tokenizers, normalisers and what prepares their output for a model."""
