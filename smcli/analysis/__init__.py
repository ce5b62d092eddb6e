"""What can be said of whole models: their variables, their layers, how two of them differ, whether one is sound.

Functions from models to plain data; smcli.cli prints it.
"""
