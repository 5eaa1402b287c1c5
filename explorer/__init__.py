"""Skillgraph Explorer: the command line, the stores and the use cases."""

__version__ = "0.1.0"
