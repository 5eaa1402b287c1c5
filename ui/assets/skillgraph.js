/* What happens in the browser alone: addresses, light and dark, and all that must be quick on a graph. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  /* ---------- addresses: every page's state is in the URL ---------- */

  const place = () => window.location.pathname.replace(/(.)\/+$/, "$1"); // /graph/ is /graph

  function context() {
    const here = new URLSearchParams(window.location.search);
    const kept = new URLSearchParams();
    for (const key of ["dataset", "layer"]) if (here.has(key)) kept.set(key, here.get(key));
    return kept.toString();
  }

  function route(pathname, search, version, ids, before) {
    const now = { path: place(), search: window.location.search, version: version || null };
    const tail = context();
    const hrefs = ids.map((id) => id.path + (tail ? "?" + tail : ""));
    const active = ids.map((id) => id.path === now.path);
    if (!version) return [no(), hrefs, active]; // the first heartbeat says which version, or that the store is away
    const same = before && before.path === now.path && before.search === now.search && before.version === now.version;
    return [same ? no() : now, hrefs, active];
  }

  /* Keys of a page's address that mean something in one layer alone; another layer keeps the others. */
  const OWN = {
    "/": ["run", "name", "parts", "learner", "d", "capacity", "seed", "base", "mode", "known", "rule", "weight", "top", "replicates"],
    "/graph": ["open", "hide", "box"],
    "/learning": ["wave", "c", "R", "learner"],
  };
  function keptView() {
    const query = new URLSearchParams(window.location.search);
    (OWN[place()] || []).forEach((key) => query.delete(key));
    return query;
  }

  /* Another dataset or layer was picked: a new address. The pickers of a new page fire too, unchanged. */
  function pick(values, ids) {
    const subject = document.getElementById("subject");
    if (!subject) return no();
    const now = { dataset: subject.dataset.dataset, layer: subject.dataset.layer };
    const next = { ...now };
    ids.forEach((id, i) => { if (values[i]) next[id.field] = values[i]; });
    if (next.dataset === now.dataset && next.layer === now.layer) return no();
    if (next.dataset !== now.dataset) return "?" + new URLSearchParams({ dataset: next.dataset });
    const query = keptView();
    query.set("dataset", next.dataset);
    query.set("layer", next.layer);
    return "?" + query;
  }

  /* Put state into the address without leaving the page; null and "" leave a key out. */
  function address(state) {
    const query = new URLSearchParams(window.location.search);
    for (const [key, value] of Object.entries(state)) {
      if (value === null || value === undefined || value === "" || value === false) query.delete(key);
      else query.set(key, String(value));
    }
    const text = query.toString();
    window.history.replaceState(window.history.state, "", window.location.pathname + (text ? "?" + text : ""));
    return no();
  }

  /* ---------- light and dark ---------- */

  function scheme(chosen) {
    const system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const shown = chosen || system;
    document.documentElement.dataset.scheme = shown;
    document.body.dataset.agThemeMode = shown;
    return [shown, shown];
  }
  const toggleScheme = (clicks, shown) => (shown === "dark" ? "light" : "dark");

  /* ---------- graphs ---------- */

  const instance = (id) => {
    const element = document.getElementById(id);
    const cy = element && element._cyreg && element._cyreg.cy;
    return cy && !cy.destroyed() ? cy : null;
  };

  function whenReady(id, act, tries) {
    const cy = instance(id);
    if (cy && cy.nodes().length) act(cy);
    else if ((tries || 0) < 120) window.setTimeout(() => whenReady(id, act, (tries || 0) + 1), 50);
  }

  function tooltip() {
    let tip = document.getElementById("graph-tip");
    if (!tip) {
      tip = document.createElement("div");
      tip.id = "graph-tip";
      tip.hidden = true;
      document.body.appendChild(tip);
    }
    return tip;
  }

  function line(parent, text, name) {
    const row = document.createElement("div");
    row.className = name;
    row.textContent = text; // names are text, never HTML
    parent.appendChild(row);
  }

  const count = (n, one, many) => `${Number(n).toLocaleString("en")} ${n === 1 ? one : many}`;

  function describe(node) {
    const d = node.data();
    if (d.wave === undefined) return [d.name, d.class];
    const wave = d.wave === 0 ? "known before" : `learned in wave ${d.wave}`;
    return [d.name, `${d.class} · ${count(d.uses, "text requires it", "texts require it")}`, wave];
  }

  function hover(cy) {
    if (cy.scratch("_sgHover")) return;
    cy.scratch("_sgHover", true);
    const tip = tooltip();
    cy.on("mouseover", "node", (event) => {
      if (event.target.hasClass("island")) return;
      tip.replaceChildren();
      describe(event.target).forEach((text, i) => line(tip, text, i ? "tip-line" : "tip-name"));
      tip.hidden = false;
    });
    cy.on("mousemove", (event) => {
      if (tip.hidden || !event.originalEvent) return;
      const x = event.originalEvent.clientX, y = event.originalEvent.clientY;
      tip.style.left = Math.min(x + 14, window.innerWidth - tip.offsetWidth - 8) + "px";
      tip.style.top = Math.min(y + 14, window.innerHeight - tip.offsetHeight - 8) + "px";
    });
    cy.on("mouseout", "node", () => { tip.hidden = true; });
    cy.on("destroy", () => { tip.hidden = true; });
    cy.on("viewport", () => { tip.hidden = true; });
  }

  /* All in view; `sides` is room for the names at the edges. */
  function fit(cy, padding, sides) {
    cy.resize();
    const shown = cy.nodes(":visible"), pad = padding === undefined ? 14 : padding, aside = sides || pad;
    if (!shown.length) return;
    const stage = cy.container().closest(".graph-stage"), key = stage && stage.querySelector(".legend");
    const left = key && key.offsetWidth && cy.width() > 520 ? key.offsetWidth + 6 : 0;
    const box = shown.boundingBox({ includeLabels: false });
    const level = Math.min((cy.width() - left - 2 * aside) / box.w, (cy.height() - 2 * pad) / box.h, 1.8);
    cy.viewport({
      zoom: level,
      pan: { x: left + (cy.width() - left) / 2 - level * (box.x1 + box.w / 2), y: cy.height() / 2 - level * (box.y1 + box.h / 2) },
    });
  }

  function stylesheet(shown, colour, sheets) {
    if (!sheets) return no();
    return JSON.parse(JSON.stringify(sheets[shown || "light"]).replaceAll("c_class", "c_" + (colour || "class")));
  }

  const plainSheet = (shown, sheets) => (sheets ? sheets[shown || "light"] : no());

  /* ---------- playback: classes are switched on the live graph, nothing goes to the server ---------- */

  function wave(now, elements, id) {
    whenReady(id, (cy) => {
      hover(cy);
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
      if (!cy.scratch("_sgFitted")) { cy.scratch("_sgFitted", true); fit(cy, 10, 40); }
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
  const tick = (n, now, last) => (now >= last ? 0 : now + 1);
  function play(clicks, still) {
    const playing = still; // the interval was disabled, so it plays from now on
    return [!still, playing ? "Pause" : "Play", playing ? "icon icon-pause" : "icon icon-play"];
  }
  const step = (back, on, now, last) => {
    const which = window.dash_clientside.callback_context.triggered_id;
    return Math.min(Math.max(now + (which === "l-back" ? -1 : 1), 0), last);
  };

  /* Mark the wave in the figure without drawing it anew. */
  function mark(now, figure, figureId) {
    const act = (tries) => {
      const box = document.querySelector(`#${figureId} .js-plotly-plot`);
      if (box && window.Plotly && box._fullLayout && box.layout.shapes && box.layout.shapes.length) {
        window.Plotly.relayout(box, { "shapes[0].x0": now, "shapes[0].x1": now });
      } else if (tries) window.setTimeout(() => act(tries - 1), 100);
    };
    act(60);
    return no();
  }

  const markShare = (percent, figure, figureId) => mark(percent / 100, figure, figureId);

  function fitPlain(elements, id) {
    whenReady(id, (cy) => { hover(cy); fit(cy); });
    return no();
  }

  /* A menu closes after a choice, by Escape, and by a click elsewhere. */
  const closeMenus = (except) => document.querySelectorAll("details.menu[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
  document.addEventListener("click", (event) => closeMenus(event.target.closest("summary") && event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(null); });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    sg: {
      route, pick, scheme, toggleScheme, address, stylesheet, plainSheet,
      wave, waveTable, tick, play, step, mark, learningState, fitPlain, markShare, waveState, whatIfState,
    },
  });
})();
