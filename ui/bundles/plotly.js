/* Plotly with the kinds of figures that the pages draw, and no others. */
import core from "plotly.js/lib/core";
import scatter from "plotly.js/lib/scatter";
import heatmap from "plotly.js/lib/heatmap";
import treemap from "plotly.js/lib/treemap";

core.register([scatter, heatmap, treemap]);
window.Plotly = core;
