/* dash-cytoscape's own component against a newer Cytoscape, with the one layout and the one export that pages use. */
import Cytoscape from "dash-cytoscape-source";
import cytoscape from "cytoscape";
import fcose from "cytoscape-fcose";
import svg from "./svg.js";

cytoscape.use(fcose);
svg(cytoscape);
window.dash_cytoscape = { Cytoscape };
