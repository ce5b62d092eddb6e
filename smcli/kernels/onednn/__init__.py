"""Arithmetic by oneDNN, the library that TensorFlow computes with too, where it is installed (`pip install
smcli[onednn]`).

`library` finds and opens it, `primitives` is the only module that calls it, and the others are kernels on top. All of
them answer None where they can not help, and the NumPy kernel computes; nothing here is ever needed for a result.
"""
