/* The percolation page: which skills are kept, and the clusters they form, switched on the live graph. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const percent = (x) => (100 * x).toFixed(1) + " %";
  const LOOKS = { 0: "ghost", 1: "", 2: "giant", 3: "second" };

  /* Frames are made on the server: a digit for each node; see `frames` of the page. */
  function clusters(share, elements, frames, id) {
    if (!frames || !frames.steps) return [no(), no()];
    const k = Math.max(0, Math.min(frames.steps.length - 1, Math.round(share)));
    const states = frames.steps[k];
    window.sgTools.whenReady(id, (cy) => {
      cy.batch(() => {
        const look = (element, name) => {
          for (const other of ["ghost", "giant", "second"]) window.sgTools.wear(element, other, other === name);
        };
        cy.nodes().not(".island").forEach((node) => look(node, LOOKS[states[node.data("row")]]));
        cy.edges().forEach((edge) => {
          const a = states[edge.source().data("row")], b = states[edge.target().data("row")];
          look(edge, a === "0" || b === "0" ? "ghost" : a === b ? LOOKS[a] : "");
        });
      });
      window.sgTools.settle(cy, 10);
    });
    const kept = frames.order === "hubs" ? `${100 - k} % of the skills, the most used, left out` : `${k} % of the skills kept`;
    return [kept, `: the largest cluster holds ${percent(frames.largest[k])} of all skills, the second ${percent(frames.second[k])}`];
  }

  /* A row of the table: its skill is marked in the picture, and brought into it. */
  function seek(rows, id) {
    window.sgTools.whenReady(id, (cy) => {
      cy.elements(".sought").removeClass("sought");
      if (!rows || !rows.length) return;
      const node = cy.getElementById(`s:${rows[0].id}`);
      if (!node.length) return;
      node.addClass("sought");
      window.sgTools.notes(cy).moved = true;
      cy.animate({ center: { eles: node }, zoom: Math.max(cy.zoom(), 1.1), duration: 250 });
    });
    return no();
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgPercolation: { clusters, seek } });
})();
