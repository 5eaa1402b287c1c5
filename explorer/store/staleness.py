"""Which layers are stale: what they were made from, or what that rests on, has changed since.

A layer keeps the fingerprints of its inputs (`LayerInfo.made_from`), and the store compares them with the present
ones in the same atomic step as any change that could make a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from explorer.store.fingerprint import PartFingerprints
from explorer.store.protocol import LayerInfo

__all__ = ["inputs_of", "stale_layers"]


def inputs_of(info: LayerInfo, parts: Mapping[str, PartFingerprints], base: LayerInfo | None = None) -> dict[str, str]:
    """Fingerprints of what a layer depends on, as they are now.

    A layer depends on the texts of all parts of its graph; on the classes of their skills if some were given by
    class; a layer from evidence on the outcomes; and a fine-tuned layer on what its base has learned. A layer that
    reads all texts also depends on which parts there are.

    Args:
        info: The layer; its parameters, parts and kind say what it depends on.
        parts: Of its dataset.
        base: The layer that it was fine-tuned from, if it was.

    Returns:
        By `texts:PART`, `classes:PART`, `outcomes:PART` and `base`.
    """
    names = info.graph_parts or sorted(parts)
    there = [name for name in names if name in parts]
    found = {f"texts:{name}": parts[name].texts for name in there}
    if info.parameters.get("known_classes") or info.parameters.get("ignored_classes"):
        found |= {f"classes:{name}": parts[name].classes for name in there}
    if info.kind == "evidence":
        found |= {f"outcomes:{name}": parts[name].outcomes for name in there}
    if info.kind == "fine-tuned" and base is not None:
        found["base"] = base.fingerprint
    return found


def stale_layers(
    infos: Iterable[LayerInfo], parts: Mapping[str, PartFingerprints] | None
) -> dict[str, tuple[str, ...]]:
    """Why each layer of a dataset is stale, by name of the layer; empty for one that is not.

    Args:
        infos: All layers of the dataset.
        parts: Of the dataset; None if it was stored by a version that took no fingerprints: then only bases count.
    """
    by_name = {info.name: info for info in infos}
    found: dict[str, tuple[str, ...]] = {}

    def judge(info: LayerInfo) -> tuple[str, ...]:
        if info.name not in found:
            base = by_name.get(info.base) if info.base is not None else None
            reasons = _own_reasons(info, parts, base)
            if info.kind == "fine-tuned" and base is not None and judge(base):
                reasons.append(f"its base {base.name!r} is stale")
            found[info.name] = tuple(reasons)
        return found[info.name]

    for info in by_name.values():
        judge(info)
    return found


def _own_reasons(info: LayerInfo, parts: Mapping[str, PartFingerprints] | None, base: LayerInfo | None) -> list[str]:
    reasons: dict[str, None] = {}
    # A layer of an earlier version has no fingerprints to compare.
    if info.made_from:
        now = inputs_of(info, parts or {}, base)
        if parts is None:
            now |= {key: value for key, value in info.made_from.items() if key != "base"}
        for key in sorted({*info.made_from, *now}):
            before, after = info.made_from.get(key), now.get(key)
            if before != after:
                reasons[_reason(key, before, after, info)] = None
    if info.vanished:
        lost = f"{len(info.vanished):,} of its skills {'was' if len(info.vanished) == 1 else 'were'} lost"
        reasons[f"{lost} when the dataset was replaced"] = None
    return list(reasons)


def _reason(key: str, before: str | None, after: str | None, info: LayerInfo) -> str:
    kind, _, part = key.partition(":")
    if kind == "base":
        return f"its base {info.base!r} has changed" if after is not None else "its base is no longer there"
    where = f"part {part!r}" if part else "the texts without a part"
    if after is None:
        return f"{where} {'is' if part else 'are'} no longer in the dataset"
    if before is None:
        return f"{where} {'was' if part else 'were'} added"
    what = {"texts": f"the texts of {where}" if part else "the texts", "outcomes": f"the outcomes on {where}"}
    return f"{what.get(kind, f'the classes of skills in {where}')} have changed"
