"""What can be wrong with texts to compress and with compressed files."""

from explorer.errors import SkillgraphError

__all__ = ["DamagedFileError", "LayerMismatchError", "SgcError"]


class SgcError(SkillgraphError):
    """A text or file that cannot be encoded or decoded; the message names file, place and way out."""


class DamagedFileError(SgcError):
    """The file is truncated or was changed after it was written; the blocks before that place are whole."""


class LayerMismatchError(SgcError):
    """The file was written with the skills of another layer."""
