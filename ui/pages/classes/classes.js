/* The classes page: a hierarchy that unfolds. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  let opened = [], full = [];

  const toggled = (list, item) => (list.includes(item) ? list.filter((other) => other !== item) : [...list, item]);

  /* What a line's id says to open: "h:skill", or "m:skill" for the rest of a skill's children. */
  function act(line) {
    const skill = line.slice(2);
    if (line.startsWith("m:")) set("c-full", { data: (full = [...full, skill]) });
    else set("c-open", { data: (opened = toggled(opened, skill)) });
  }

  const describe = (node) => {
    const d = node.data();
    if (!d.state) return [d.name, "click to show them"];
    const below = d.below ? `${Number(d.below).toLocaleString("en")} skills below, ${Math.round(100 * d.share)} % learned` : null;
    return [d.name, `${window.sgTools.isolated(d.class)} · level ${d.level} · ${d.state}`, below];
  };

  /* A tree is read from its upper left corner; a line that was asked for is brought to the middle. */
  function show(cy, skill) {
    const box = cy.elements().boundingBox();
    if (!window.sgTools.notes(cy).read) {
      window.sgTools.notes(cy).read = true;
      const level = Math.max(Math.min(1.1, (cy.width() - 30) / box.w), 0.7);
      cy.viewport({ zoom: level, pan: { x: 15 - level * box.x1, y: 14 - level * box.y1 } });
    }
    const node = skill ? cy.getElementById("h:" + skill) : cy.collection();
    if (!node.length || window.sgTools.notes(cy).shown === skill) return;
    window.sgTools.notes(cy).shown = skill;
    const chain = node.union(node.predecessors()).boundingBox(), level = cy.zoom(), at = node.position();
    const middle = level * chain.h < cy.height() - 40 ? chain.y1 + chain.h / 2 : at.y;
    const left = level * chain.w < cy.width() - 40 ? 20 - level * chain.x1 : 0.6 * cy.width() - level * at.x;
    cy.viewport({ zoom: level, pan: { x: left, y: 0.5 * cy.height() - level * middle } });
  }

  function attach(elements, skill, id) {
    window.sgTools.whenReady(id, (cy) => {
      if (!window.sgTools.notes(cy).attached) {
        window.sgTools.notes(cy).attached = true;
        window.sgTools.notes(cy).moved = true;
        window.sgTools.settle(cy, 12, describe);
        cy.on("tap", "node", (event) => act(event.target.id()));
      }
      window.setTimeout(() => { if (!cy.destroyed() && cy.width() > 10) show(cy, skill); }, 30);
    });
    return no();
  }

  function toggle(rows, clicks, wasOpen, wasFull) {
    opened = wasOpen || [];
    full = wasFull || [];
    const which = window.dash_clientside.callback_context.triggered_id;
    if (which === "c-close") return clicks ? [[], [], no()] : [no(), no(), no()];
    if (!rows || !rows.length) return [no(), no(), no()];
    const line = rows[0].id;
    if (line.startsWith("m:")) return [no(), [...full, line.slice(2)], []];
    return [toggled(opened, line.slice(2)), no(), []];
  }

  const blocked = (rows) => (rows && rows.length ? [rows[0].id, "prerequisites"] : [no(), no()]);

  /* What taps on the canvas add to. */
  function follow(isOpen, isFull) {
    opened = isOpen || [];
    full = isFull || [];
    return no();
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    sgTree: { attach, toggle, blocked, follow },
  });
})();
