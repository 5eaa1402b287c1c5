/* The learning page: waves played on the live graph, and what if. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const tools = () => window.sgTools;
  const count = (n, one, many) => `${Number(n).toLocaleString("en")} ${n === 1 ? one : many}`;

  function describe(node) {
    const d = node.data();
    if (d.reason) return [d.name, `${window.sgTools.isolated(d.class)} · ${count(d.uses, "text requires it", "texts require it")}`, `never learned: ${d.reason}`];
    if (d.wave === undefined) return [d.name, d.class];
    const wave = d.wave === 0 ? "known before" : `learned in wave ${d.wave}`;
    return [d.name, `${window.sgTools.isolated(d.class)} · ${count(d.uses, "text requires it", "texts require it")}`, wave];
  }

  /* Once the canvas has what the server sent. */
  function drawn(id, elements, act, tries) {
    const nodes = (elements || []).filter((e) => e.data.source === undefined).length;
    tools().whenReady(id, (cy) => {
      if (cy.nodes().length === nodes || (tries || 0) > 100) act(cy);
      else window.setTimeout(() => drawn(id, elements, act, (tries || 0) + 1), 50);
    });
  }

  function wave(now, elements, id, why) {
    drawn(id, elements, (cy) => {
      const never = cy.nodes(".never").length, before = tools().notes(cy).never;
      tools().notes(cy).never = never;
      if (before !== undefined && before !== never) tools().fit(cy, 10, 40);
      if (!tools().notes(cy).asks) {
        tools().notes(cy).asks = true;
        cy.on("tap", "node.never", (event) => window.sgGo(why + encodeURIComponent(event.target.id().slice(2))));
      }
      cy.batch(() => {
        cy.nodes().not(".island, .never").forEach((node) => {
          const w = node.data("wave");
          tools().wear(node, "ghost", w > now);
          tools().wear(node, "frontier", w === now && now > 0);
        });
        cy.edges().forEach((edge) => {
          tools().wear(edge, "ghost", edge.source().data("wave") > now || edge.target().data("wave") > now);
        });
      });
      tools().settle(cy, 10, describe, 40);
    });
    return no();
  }
  function waveTable(now, rows) {
    if (!rows) return [no(), no()];
    const taught = rows.filter((row) => row.wave === now);
    const before = rows.filter((row) => row.wave < now).length;
    const title = now === 0 ? `Before the first wave: ${count(taught.length, "skill", "skills")} known`
      : `Wave ${now}: ${count(taught.length, "skill", "skills")} learned, ${Number(before + taught.length).toLocaleString("en")} in all`;
    return [taught, title];
  }
  const step = (back, on, now, last) => {
    const which = window.dash_clientside.callback_context.triggered_id;
    return Math.min(Math.max(now + (which === "l-back" ? -1 : 1), 0), last);
  };

  /* The learner's parts make its name, and a name from the address makes the parts. */
  const written = (kind, d, chance) => (kind === "capacity" ? "capacity:" + Number(chance).toFixed(2) : d === 1 ? "one" : "d:" + d);
  function learner(kind, d, chance, name) {
    const cause = window.dash_clientside.callback_context.triggered_id;
    let parts = [no(), no(), no()], now = [kind, d, chance], told = no();
    if (cause === "l-learner" && name && name !== written(...now)) {
      const [what, value] = name.split(":");
      if (what === "capacity") { now = [what, d, Number(value)]; parts = [what, no(), Number(value)]; }
      else { now = ["d", value ? Number(value) : 1, chance]; parts = ["d", now[1], no()]; }
    } else if (name !== written(...now)) told = written(...now);
    const shown = (yes) => (yes ? {} : { display: "none" });
    return [told, ...parts, shown(now[0] === "d"), shown(now[0] === "capacity"), String(now[1]), Number(now[2]).toFixed(2)];
  }

  const tab = (which) => ["waves", "what-if", "texts", "exit"].map((name) => name !== which);

  /* Each view leaves out of the address what belongs to the others. */
  (window.sgRules = window.sgRules || {}).learning = {
    said(said) {
      if (said.tab) said.wave = "";
      if (said.tab !== "what-if") said.c = said.R = said.learner = "";
    },
  };

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgLearning: { wave, waveTable, step, tab, learner } });
})();
