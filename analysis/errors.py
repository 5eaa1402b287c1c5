"""Errors of the analysis package."""

__all__ = ["AnalysisError"]


class AnalysisError(ValueError):
    """An argument of an analysis function is outside what its formula allows; the message names the value."""
