/* The layers page: two layers on one canvas or on two that move together. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const SIDES = ["p-cy-a", "p-cy-b"];
  const WORDS = { kept: "in both layers", gained: "only in the second", lost: "only in the first", open: "not told apart" };
  let hidden = new Set(), now = {};

  function pick(first, second, shown) {
    if (!shown || !first || !second || (first === shown.first && second === shown.second)) return no();
    const query = new URLSearchParams({ dataset: shown.dataset, first, second });
    const here = new URLSearchParams(window.location.search);
    for (const key of ["view", "by", "class", "draw", "skill"]) if (here.has(key)) query.set(key, here.get(key));
    return "?" + query.toString();
  }

  const describe = (node) => {
    const d = node.data();
    return [d.name, `${window.sgTools.isolated(d.class)} · ${d.change}: ${WORDS[d.change]}`];
  };

  /* Two canvases show the same part of the same picture. */
  let following = false;
  function link(cy, other) {
    cy.on("viewport", () => {
      const twin = window.sgTools.instance(other);
      if (following || !twin || !document.getElementById("p-body")?.classList.contains("pair-two")) return;
      following = true;
      twin.viewport({ zoom: cy.zoom(), pan: { ...cy.pan() } });
      following = false;
    });
  }

  function prepare(cy, id) {
    if (window.sgTools.notes(cy).paired) return;
    window.sgTools.notes(cy).paired = true;
    hidden = new Set(); // a new page shows all
    window.sgTools.settle(cy, 12, describe);
    link(cy, SIDES.find((side) => side !== id));
    cy.on("tap", (event) => {
      if (event.target === cy) set("p-skill", { data: null });
      else if (event.target.isNode() && !event.target.hasClass("island")) set("p-skill", { data: event.target.id().slice(2) });
    });
  }

  /* A skill stands out with what it is joined to and, joined for the moment, with what it is attached to. */
  function single(cy, chosen, near) {
    let shown = chosen.closedNeighborhood(), named = cy.collection();
    (near || []).map((skill) => cy.getElementById("s:" + skill)).forEach((node) => {
      if (!node.length) return;
      if (!node.edgesWith(chosen).length) cy.add({ group: "edges", classes: "temporary", data: { id: `t:${node.id()}`, source: chosen.id(), target: node.id(), width: 1.2, opacity: 0.6 } });
      shown = shown.union(node).union(node.edgesWith(chosen));
      named = named.union(node);
    });
    return { shown, near: named.union(shown.edges()), focus: chosen };
  }

  function paint(cy, id) {
    const { view, kind, skill, near } = now;
    const side = view === "two" ? (id === "p-cy-a" ? "first" : "second") : null;
    cy.veil(() => {
      cy.elements(".temporary").remove();
      const none = cy.collection(), skills = cy.nodes().not(".island");
      const without = (has) => skills.filter((node) => !has(node)).union(cy.edges().filter((edge) => !has(edge.source()) || !has(edge.target())));
      const wanted = { near: none, focus: none, ghost: none, off: skills.filter((node) => hidden.has(node.data("change"))) };
      if (side) wanted.ghost = without((node) => node.data(side));
      const chosen = skill ? cy.getElementById("s:" + skill) : cy.collection();
      let shown = null;
      if (chosen.length) {
        const { shown: lifted, ...looks } = single(cy, chosen, near);
        shown = lifted;
        Object.assign(wanted, looks);
      } else if (kind) {
        shown = cy.elements().not(without((node) => node.data("class") === kind));
      }
      window.sgTools.dress(cy, wanted);
      return shown && shown.union(cy.elements(".island"));
    });
  }

  function show(a, b, view, kind, skill, near) {
    now = { view, kind: kind === "all classes" ? null : kind, skill, near };
    SIDES.forEach((id) => {
      if (id === "p-cy-b" && view !== "two") return;
      window.sgTools.whenReady(id, (cy) => {
        prepare(cy, id);
        paint(cy, id);
      });
    });
    return view === "two" ? "pair-body pair-two" : "pair-body";
  }

  function legend(clicks, ids) {
    const which = window.dash_clientside.callback_context.triggered_id;
    if (!which || !window.dash_clientside.callback_context.triggered[0].value) return [no(), no()];
    if (hidden.has(which.change)) hidden.delete(which.change); else hidden.add(which.change);
    SIDES.forEach((id) => {
      const cy = window.sgTools.instance(id);
      if (cy) paint(cy, id);
    });
    return [ids.map((id) => "legend-item" + (hidden.has(id.change) ? " legend-off" : "")),
            ids.map((id) => (hidden.has(id.change) ? "false" : "true"))];
  }

  function choose(rows, anchor, clicks, before) {
    const context = window.dash_clientside.callback_context, which = context.triggered_id;
    let next = null;
    if (which === "p-changes") next = rows && rows.length ? rows[0].id : null;
    else if (which === "p-anchors") next = anchor ? anchor.rowId : null;
    else if (which && context.triggered[0].value) next = which.skill;
    return next && next !== before ? next : no();
  }

  /* The table shows the class that the graph shows; what else it is filtered by stays. */
  function filter(kind, model) {
    const next = { ...(model || {}) };
    delete next.class;
    if (kind && kind !== "all classes") next.class = { filterType: "text", type: "equals", filter: kind };
    return JSON.stringify(next) === JSON.stringify(model || {}) ? no() : next;
  }

  function zoom(clicks, id) {
    const which = window.dash_clientside.callback_context.triggered_id, cy = window.sgTools.instance(id);
    if (!cy || !which) return no();
    window.sgTools.notes(cy).moved = which.act !== "fit";
    if (which.act === "fit") window.sgTools.fit(cy, 12);
    else cy.zoom({ level: cy.zoom() * (which.act === "in" ? 1.4 : 1 / 1.4), renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
    return no();
  }

  const named = (pair) => window.dash_clientside.sgState.address({ first: pair.first, second: pair.second }, true);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    sgPair: { pick, show, legend, choose, filter, zoom, named },
  });
})();
