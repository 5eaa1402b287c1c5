"""Readers of files into a validated dataset: one file per source format."""
