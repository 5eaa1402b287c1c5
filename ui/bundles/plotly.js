/* Plotly with the kinds of figures that the pages draw, and no others. */
import core from "plotly.js/lib/core";
import scatter from "plotly.js/lib/scatter";
import bar from "plotly.js/lib/bar";
import heatmap from "plotly.js/lib/heatmap";
import treemap from "plotly.js/lib/treemap";

core.register([scatter, bar, heatmap, treemap]);
window.Plotly = core;
