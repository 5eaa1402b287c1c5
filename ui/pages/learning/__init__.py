"""Learning as peeling: wave by wave on the real graph, what if, and what more texts would teach."""

from ui.pages.learning.answers import gains, gains_figure
from ui.pages.learning.callbacks import CALLS
from ui.pages.learning.layout import layout, learner_parts

__all__ = ["gains", "gains_figure", "layout", "learner_parts", "register"]

register = CALLS.register
