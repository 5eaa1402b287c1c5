"""A plan of what to teach next, as a picture of its steps and as a curve."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from explorer.service.planning import PlanReport
from explorer.wording import isolated, plural
from ui.drawing.style import ROLES, figure_layout
from ui.typed import Element

__all__ = ["plan_elements", "plan_figure"]


_COLUMNS = 4
_WIDE, _LINE = 250.0, 22.0
_DRAWN = 40  # steps that are drawn


def plan_elements(plan: PlanReport) -> tuple[list[Element], list[str]]:
    """Steps from left to right, row by row, each with the first skills that follow; and what is said after each.

    Every element has the number of its step as `at`.
    """
    elements: list[Element] = []
    steps = plan.steps[:_DRAWN]
    most = max((step.learned for step in steps), default=1)
    top = 0.0
    for first in range(0, len(steps), _COLUMNS):
        row = steps[first : first + _COLUMNS]
        for place, step in enumerate(row):
            k = first + place + 1
            x, size = place * _WIDE, 12 + 14 * (step.learned / max(most, 1)) ** 0.5
            head = f"{k}. {isolated(_short(step.name))}"
            elements.append(_node(f"p:{k}", head, x, top, size, k, "beside to-right focus"))
            for i, name in enumerate(step.follows):
                ident = f"p:{k}:{i}"
                elements.append(_node(ident, _short(name), x + 22, top + _LINE * (i + 1), 8, k, "beside to-right"))
                elements.append(
                    {
                        "data": {
                            "id": f"e:{ident}",
                            "source": f"p:{k}",
                            "target": ident,
                            "at": k,
                            "width": 1,
                            "opacity": 0.5,
                        }
                    }
                )
        top += _LINE * (max(len(step.follows) for step in row) + 1) + 24
    if steps:  # names stand to the right of their discs: room for those of the last column
        room = _node("room", "", min(len(steps), _COLUMNS) * _WIDE - 60, 0.0, 1.0, 0, "mark")
        elements.append(room)
    said = _captions(plan)
    if len(plan.steps) > _DRAWN:
        left = f" Drawn are the first {_DRAWN} of {len(plan.steps):,} steps; the table below has all of them."
        said = [text + left for text in said]
    return elements, said


def _node(ident: str, label: str, x: float, y: float, size: float, at: int, classes: str) -> Element:
    data = {"id": ident, "label": label, "name": label, "size": round(size, 1), "at": at}
    return {"data": data, "position": {"x": x, "y": y}, "classes": classes}


def _short(name: str, letters: int = 26) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"


def _captions(plan: PlanReport) -> list[str]:
    doing = {"skills": "Teach", "texts": "Add", "simpler": "Simplify"}[plan.by]
    said = [f"Before the plan: {plural(plan.lacking, 'skill is', 'skills are')} not learned."]
    for k, step in enumerate(plan.steps, 1):
        more = step.learned - len(step.follows) - (1 if plan.by == "skills" else 0)
        rest = f" and {more:,} more" if more > 0 and step.follows else ""
        follows = f"; then follow {', '.join(map(isolated, step.follows))}{rest}" if step.follows else ""
        without = f" by leaving out {isolated(step.skill)}" if plan.by == "simpler" and step.skill else ""
        said.append(
            f"Step {k}: {doing} {isolated(step.name)}{without}. {plural(step.learned, 'skill')} learned by it, "
            f"{step.total:,} in all{follows}."
        )
    return said


def plan_figure(plan: PlanReport) -> go.Figure:
    """What the plan is worth after each step, with its bound and the baselines."""
    found = go.Figure(layout=figure_layout())
    steps = list(range(len(plan.value)))

    def line(values: Sequence[float | None], name: str, colour: str, **extra: str) -> None:
        values = values[: len(steps)]
        look = {"color": colour, "width": 2, **extra}
        found.add_trace(
            go.Scatter(x=steps[: len(values)], y=values, name=name, mode="lines", line=look, hovertemplate="%{y:,.0f}")
        )

    top = max(plan.value, default=1.0)
    bound = [value if value <= 3 * max(top, 1.0) else None for value in plan.bound]
    if any(value is not None for value in bound[1:]):
        line(bound, "bound", "#8A94A0", dash="dash")
    line(plan.random, "at random", "#8A94A0")
    line(plan.most_used, "most used first", ROLES["poisson"])
    line(plan.value, "this plan", ROLES["measured"])
    found.update_xaxes(title="steps")
    found.update_yaxes(title="worth", rangemode="tozero")
    return found
