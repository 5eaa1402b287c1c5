/* Why not: the picture is fitted anew for each skill; a click on a skill asks for it. */
(function () {
  "use strict";
  function settle(elements, id) {
    window.sgTools.whenReady(id, (cy) => {
      const sides = 0.22 * cy.width();  // for the names beside the outermost discs, which grow with them
      window.sgTools.settle(cy, 24, undefined, sides);
      window.sgTools.fit(cy, 24, sides);
      // a handler with a namespace would hear only taps that name it, which those of the pointer do not
      if (window.sgTools.notes(cy).asks) return;
      window.sgTools.notes(cy).asks = true;
      cy.on("tap", "node.unlearned", (event) => window.dash_clientside.set_props("w-skill", { value: event.target.id().slice(2) }));
    });
    return window.dash_clientside.no_update;
  }
  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgWhy: { settle } });
})();
