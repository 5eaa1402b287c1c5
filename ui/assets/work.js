/* What the browser does for runs and queries: it asks, asks again until there is an answer, and keeps the address. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  /* A name that nobody guesses: who knows it sees the work and may cancel it. */
  function ticket() {
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  }

  function address(state) {
    const query = new URLSearchParams(window.location.search);
    for (const [key, value] of Object.entries(state)) {
      if (value === null || value === undefined || value === "" || value === false) query.delete(key);
      else query.set(key, String(value));
    }
    const text = query.toString();
    window.history.replaceState(window.history.state, "", window.location.pathname + (text ? "?" + text : ""));
  }

  /* The next question is asked when the last one has been answered, so a slow server is not asked twice. */
  const pulse = (name, place, pause) => (state) => {
    if (state && state.running) {
      window.setTimeout(() => {
        if (document.getElementById(place)) set(name, { data: Date.now() });
      }, pause);
    }
    return no();
  };

  /* ---------- runs ---------- */

  const FIELDS = ["kind", "name", "parts", "learner", "d", "capacity", "base", "mode", "known", "seed", "replace",
    "layer", "rule", "weight", "top", "replicates"];
  const named = (values) => Object.fromEntries(FIELDS.map((field, i) => [field, values[i]]));

  function startRun(clicks, dataset, ...values) {
    if (!clicks) return [no(), no()];
    const id = ticket();
    return [{ id, dataset, ...named(values) }, id];
  }

  function runForm(...values) {
    const meanings = values.pop(), form = named(values);
    const shown = (yes) => (yes ? {} : { display: "none" });
    const list = (items) => (items && items.length ? JSON.stringify(items) : null);
    const learn = form.kind === "learn";
    const random = learn && form.learner === "capacity";
    if (new URLSearchParams(window.location.search).has("run")) {
      address({
        run: form.kind,
        name: learn ? form.name : null, parts: learn ? list(form.parts) : null,
        learner: learn && form.learner !== "one" ? form.learner : null,
        d: learn && form.learner === "d" ? form.d : null, capacity: random ? form.capacity : null, seed: random ? form.seed : null,
        base: learn ? form.base : null, mode: learn && form.base ? form.mode : null, known: learn ? list(form.known) : null,
        rule: form.kind === "associate" && form.rule !== "any" ? form.rule : null,
        weight: form.kind === "associate" && form.weight !== 1 ? form.weight : null,
        top: form.kind === "associate" ? form.top : null,
        replicates: form.kind === "percolate" && form.replicates !== 20 ? form.replicates : null,
      });
    }
    return [shown(learn), shown(!learn), shown(form.kind === "associate"), shown(form.kind === "percolate"),
      shown(form.learner === "d"), shown(form.learner === "capacity"), shown(form.base), meanings[form.kind]];
  }

  /* The page moves to a new layer once; afterwards one is free to go elsewhere. */
  function follow(go) {
    if (!go || window.sessionStorage.getItem("run-followed") === go.id) return no();
    window.sessionStorage.setItem("run-followed", go.id);
    return go.search;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    work: { pulseRun: pulse("run-pulse", "run-progress", 400), pulseQuery: pulse("q-pulse", "q-cancel", 300), startRun, runForm, follow, ticket, address },
  });
})();
