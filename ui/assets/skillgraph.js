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
    window.sgState.version = version;
    const same = before && before.path === now.path && before.search === now.search && before.version === now.version;
    if (same || (before && before.version === version && window.sgState.followed())) return [no(), hrefs, active];
    window.sgState.arrived();
    return [now, hrefs, active];
  }

  /* Keys of a page's address that mean something in one layer alone; another layer keeps the others. */
  const OWN = {
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

  const address = (state) => window.dash_clientside.sgState.address(state);

  /* ---------- light and dark ---------- */

  function scheme(chosen) {
    const system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const shown = chosen || system;
    document.documentElement.dataset.scheme = shown;
    document.body.dataset.agThemeMode = shown;
    return [shown, shown];
  }
  const toggleScheme = (clicks, shown) => (shown === "dark" ? "light" : "dark");
  const closeDialog = () => false; // a page that is left takes its dialog along

  const plainSheet = (shown, sheets) => (sheets ? sheets[shown || "light"] : no());

  /* ---------- playback: classes are switched on the live graph, nothing goes to the server ---------- */

  const tick = (n, now, last) => (now >= last ? 0 : now + 1);
  function play(clicks, still) {
    const playing = still; // the interval was disabled, so it plays from now on
    return [!still, playing ? "Pause" : "Play", playing ? "icon icon-pause" : "icon icon-play"];
  }
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

  /* A menu closes after a choice, by Escape, and by a click elsewhere. */
  const closeMenus = (except) => document.querySelectorAll("details.menu[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
  document.addEventListener("click", (event) => closeMenus(event.target.closest("summary") && event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(null); });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    sg: {
      route, pick, scheme, toggleScheme, closeDialog, address, plainSheet,
      tick, play, mark, markShare,
    },
  });
})();
