"""What people are told of a stale layer."""

from __future__ import annotations

import shlex
from typing import Any

from explorer.run_options import run_kind, run_words
from explorer.store.protocol import LayerInfo
from explorer.wording import quoted

__all__ = ["associate_command", "refresh_command", "stale_sentence"]


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
    return _command("refresh", info)


def associate_command(info: LayerInfo) -> str:
    """The command that computes associations of a layer with the options that it keeps."""
    return _command("associate", info, **{"rule": info.association_rule, **info.association_options})


def _command(key: str, info: LayerInfo, **options: Any) -> str:
    words = run_words(run_kind(key), {"layer": info.name, **options}, dataset=info.dataset)
    return shlex.join(["skillgraph", *words])
