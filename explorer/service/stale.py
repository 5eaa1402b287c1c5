"""What people are told of a stale layer."""

from __future__ import annotations

import shlex

from explorer.store.protocol import LayerInfo
from explorer.wording import quoted

__all__ = ["associate_command", "refresh_command", "stale_sentence"]

_DEFAULTS = {"rule": "any", "min_weight": 1}


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


def associate_command(info: LayerInfo) -> str:
    """The command that computes associations of a layer with the options that it keeps."""
    options = {"rule": info.association_rule, **info.association_options}
    words = [
        word
        for name in ("rule", "min_weight", "top", "max_text_skills")
        if options.get(name) not in (None, _DEFAULTS.get(name))
        for word in (f"--{name.replace('_', '-')}", str(options[name]))
    ]
    return shlex.join(["skillgraph", "associate", info.name, *words, "--dataset", info.dataset])
