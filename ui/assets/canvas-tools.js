/* What scripts of several pages need of a graph's canvas. */
(function () {
  "use strict";

  const instance = (id) => {
    const element = document.getElementById(id);
    const cy = element && element._cyreg && element._cyreg.cy;
    return cy && !cy.destroyed() ? cy : null;
  };

  /* What scripts remember of a canvas; Cytoscape's own scratch would apply the style to all elements again. */
  const remembered = new WeakMap();
  function notes(cy) {
    if (!remembered.has(cy)) remembered.set(cy, {});
    return remembered.get(cy);
  }

  /* Classes are given and taken where that changes something: Cytoscape styles anew whatever it is told of. */
  function wear(element, name, on) {
    if (element.hasClass(name) !== on) element.toggleClass(name, on);
  }
  /* The elements that shall have each class, and no others. */
  function dress(cy, wanted) {
    const note = notes(cy);
    if (note.called) note.called.filter((node) => node.inside()).removeStyle("font-size text-outline-width border-width");
    Object.entries(wanted).forEach(([name, elements]) => {
      const there = cy.elements("." + name);
      there.not(elements).removeClass(name);
      elements.not(there).addClass(name);
    });
    if (!note.called) cy.on("zoom", () => steady(cy));
    note.called = cy.nodes(".near, .focus, .path");
    steady(cy);
  }

  /* What was called for keeps its size on the screen at any zoom. */
  function steady(cy) {
    const called = notes(cy).called.filter((node) => node.inside()), unit = 1 / cy.zoom();
    if (called.empty()) return;
    called.not(".beside").style({ "font-size": 12 * unit, "text-outline-width": 2 * unit });
    called.filter(".focus, .path").style({ "border-width": 3 * unit });
  }

  /* A name in a sentence: one written from right to left does not turn what is around it; see explorer/wording.py. */
  const isolated = (name) => (/[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]/.test(name) ? `\u2068${name}\u2069` : name);

  /* Acts once the canvas has nodes; a canvas that never gets any is given up after a while. */
  function whenReady(id, act, tries) {
    const cy = instance(id);
    if (cy && cy.nodes().length) act(cy);
    else if ((tries || 0) < 200) window.setTimeout(() => whenReady(id, act, (tries || 0) + 1), 50);
  }

  /* The whole graph in view, with room around it, at the sides too, in pixels; `named`: names need room as well. */
  function fit(cy, padding = 14, sides = padding, named = false) {
    cy.resize();
    const box = cy.nodes(":visible").boundingBox({ includeLabels: named });
    if (!(box.w > 0) || !cy.width()) return;
    const zoom = Math.min((cy.width() - 2 * sides) / box.w, (cy.height() - 2 * padding) / box.h, 1.8);
    const pan = { x: cy.width() / 2 - zoom * (box.x1 + box.w / 2), y: cy.height() / 2 - zoom * (box.y1 + box.h / 2) };
    const now = cy.pan(), same = (a, b) => Math.abs(a - b) < 1e-6;
    if (!same(cy.zoom(), zoom) || !same(now.x, pan.x) || !same(now.y, pan.y)) cy.viewport({ zoom, pan });
  }

  /* Acts once the nodes of another picture are there, before they are drawn. */
  function onPicture(cy, act) {
    let added = false;
    cy.on("add", "node", () => {
      if (!added) queueMicrotask(() => { added = false; if (!cy.destroyed()) act(); });
      added = true;
    });
  }

  /* A canvas shows all of its graph, also after its box has another size, until the reader moves it. */
  function settle(cy, padding, describe, sides) {
    if (notes(cy).settled) return;
    notes(cy).settled = true;
    hover(cy, describe);
    fit(cy, padding, sides);
    cy.on("scrollzoom dragpan pinchzoom", () => { notes(cy).moved = true; });
    onPicture(cy, () => { if (!notes(cy).moved) fit(cy, padding, sides); });
    new ResizeObserver(() => {
      if (cy.destroyed()) return;
      if (notes(cy).moved) cy.resize(); else fit(cy, padding, sides);
    }).observe(cy.container());
  }

  /* Lines under the pointer; `describe` gives them for a node, the first its name. */
  function hover(cy, describe) {
    window.sgLabels.attach(cy);
    notes(cy).heard = true; // from here on it answers the pointer
    let tip = document.getElementById("graph-tip");
    if (!tip) {
      tip = document.createElement("div");
      tip.id = "graph-tip";
      tip.hidden = true;
      document.body.appendChild(tip);
    }
    const lines = describe || ((node) => {
      const d = node.data();
      return [d.name, `${isolated(d.class)} · required by ${Number(d.uses).toLocaleString("en")} ${d.uses === 1 ? "text" : "texts"}`];
    });
    cy.on("mouseover", "node", (event) => {
      if (event.target.hasClass("island")) return;
      tip.replaceChildren(...lines(event.target).filter(Boolean).map((text, i) => {
        const row = document.createElement("div");
        row.className = i ? "tip-line" : "tip-name";
        row.textContent = text; // names are text, never HTML
        return row;
      }));
      tip.hidden = false;
    });
    cy.on("mousemove", (event) => {
      if (tip.hidden || !event.originalEvent) return;
      const { clientX, clientY } = event.originalEvent;
      tip.style.left = Math.min(clientX + 14, window.innerWidth - tip.offsetWidth - 8) + "px";
      tip.style.top = Math.min(clientY + 14, window.innerHeight - tip.offsetHeight - 8) + "px";
    });
    const hide = () => { tip.hidden = true; };
    cy.on("mouseout", "node", hide);
    cy.on("destroy", hide);
    cy.on("viewport", hide);
  }

  window.sgTools = { instance, notes, wear, dress, whenReady, onPicture, fit, settle, hover, isolated };
})();
