/* The overview: the form of a new run, and what is seen of a run. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const address = (state) => window.dash_clientside.sg.address(state);
  const ticket = () => window.sgWork.ticket();

  const FIELDS = ["kind", "name", "parts", "learner", "d", "capacity", "base", "mode", "known", "seed", "replace",
    "layer", "rule", "weight", "top", "replicates"];
  const named = (values) => Object.fromEntries(FIELDS.map((field, i) => [field, values[i]]));

  const here = () => window.location.pathname + window.location.search;

  function startRun(clicks, dataset, ...values) {
    if (!clicks) return [no(), no()];
    const id = ticket();
    window.sessionStorage.setItem("run-from", here());
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

  /* The page moves to a new layer once, and only if it still is where the run was started. */
  function follow(go) {
    if (!go || window.sessionStorage.getItem("run-followed") === go.id) return no();
    window.sessionStorage.setItem("run-followed", go.id);
    return window.sessionStorage.getItem("run-from") === here() ? go.search : no();
  }

  const pulseRun = (state) => window.sgWork.pulse("run-pulse", "run-progress", 400)(state);

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgRuns: { pulseRun, startRun, runForm, follow } });
})();
