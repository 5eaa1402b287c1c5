"""What people are told of a stale layer."""

from __future__ import annotations

import shlex

from explorer.store.protocol import LayerInfo
from explorer.wording import quoted

__all__ = ["refresh_command", "stale_sentence"]


def stale_sentence(info: LayerInfo) -> str:
    """Why a layer is stale, what that means, and the command that updates it; empty if it is not stale."""
    if not info.stale:
        return ""
    return (
        f"Layer {quoted(info.name)} is stale: {'; '.join(info.stale_because)}. It is shown as it was made, but with "
        f"the present texts; `{refresh_command(info)}` updates it."
    )


def refresh_command(info: LayerInfo) -> str:
    """The command that updates a layer."""
    return f"skillgraph refresh {shlex.quote(info.name)} --dataset {shlex.quote(info.dataset)}"
