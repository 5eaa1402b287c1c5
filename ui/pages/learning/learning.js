/* The learning page: waves played on the live graph, and what if. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const address = (state) => window.dash_clientside.sg.address(state);
  const tools = () => window.sgTools;
  const count = (n, one, many) => `${Number(n).toLocaleString("en")} ${n === 1 ? one : many}`;

  function describe(node) {
    const d = node.data();
    if (d.wave === undefined) return [d.name, d.class];
    const wave = d.wave === 0 ? "known before" : `learned in wave ${d.wave}`;
    return [d.name, `${d.class} · ${count(d.uses, "text requires it", "texts require it")}`, wave];
  }

  function wave(now, elements, id) {
    tools().whenReady(id, (cy) => {
      cy.batch(() => {
        cy.nodes().not(".island").forEach((node) => {
          const w = node.data("wave");
          node.toggleClass("ghost", w > now);
          node.toggleClass("frontier", w === now && now > 0);
        });
        cy.edges().forEach((edge) => {
          edge.toggleClass("ghost", edge.source().data("wave") > now || edge.target().data("wave") > now);
        });
      });
      tools().settle(cy, 10, describe);
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
  const learningState = (tab) => (address(tab === "waves" ? { tab: null, c: null, R: null, learner: null } : tab === "what-if" ? { tab, wave: null } : { tab, wave: null, c: null, R: null, learner: null }));
  const waveState = (now, last) => address({ wave: now });
  const whatIfState = (c, R, learner) => address({ c, R, learner });
  const step = (back, on, now, last) => {
    const which = window.dash_clientside.callback_context.triggered_id;
    return Math.min(Math.max(now + (which === "l-back" ? -1 : 1), 0), last);
  };

  function learner(kind, d, chance) {
    const shown = (yes) => (yes ? {} : { display: "none" });
    const name = kind === "capacity" ? "capacity:" + Number(chance).toFixed(2) : d === 1 ? "one" : "d:" + d;
    return [name, shown(kind === "d"), shown(kind === "capacity"), String(d), Number(chance).toFixed(2)];
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgLearning: { wave, waveTable, step, learningState, waveState, whatIfState, learner } });
})();
