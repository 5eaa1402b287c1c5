/* dash-cytoscape's own component against a newer Cytoscape, with what pages use besides: a layout, an export, a veil, and quick moves. */
import Cytoscape from "dash-cytoscape-source";
import cytoscape from "cytoscape";
import fcose from "cytoscape-fcose";
import glide from "./glide.js";
import svg from "./svg.js";
import veil from "./veil.js";

cytoscape.use(fcose);
glide(cytoscape);
svg(cytoscape);
veil(cytoscape);

/* Pages listen to the canvas themselves. What the component would report to Dash (taps, the pointer, each move of the
   view, and all elements again whenever one is added) would only make Dash work, and draw the graph a second time. */
class Quiet extends Cytoscape {
  handleCy(cy) {
    cy.on = () => cy;
    super.handleCy(cy);
    delete cy.on;
    cy.glide();
  }

  /* Pages bring their graphs into view themselves; the component would first compare all elements with all before, and
     compute the bounds of all. */
  componentDidUpdate() {}
}
window.dash_cytoscape = { Cytoscape: Quiet };
