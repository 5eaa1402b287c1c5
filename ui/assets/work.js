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

  /* ---------- the query page ---------- */

  const script = (path) => new Promise((done) => {
    if (document.querySelector(`script[src="${path}"]`)) return done();
    const tag = document.createElement("script");
    tag.src = path;
    tag.onload = done;
    document.head.appendChild(tag);
    return undefined;
  });

  const view = () => { const box = document.getElementById("q-editor"); return box && box._view; };

  /* The editor is the one place where the text is; the address follows it, marked as not run yet. */
  let asked = null, drafting = 0;
  function written(text) {
    window.clearTimeout(drafting);
    drafting = window.setTimeout(() => {
      if (document.getElementById("q-editor")) address({ q: text, draft: text === asked ? null : 1 });
    }, 250);
  }
  function queryEditor(words, text, run) {
    const box = document.getElementById("q-editor");
    if (!box) return no();
    asked = run ? text : null;
    box._text = text || "";
    const fill = () => {
      if (!window.makeCypherEditor) return window.setTimeout(fill, 40);
      if (!box._view) {
        box._view = window.makeCypherEditor(box, box._text, words || [], written,
          () => document.getElementById("q-run").click());
      }
      return undefined;
    };
    script("/assets/vendor/editor.js").then(fill);
    return no();
  }
  function write(text) {
    const editor = view();
    if (editor) editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
    else document.getElementById("q-editor")._text = text;
  }
  const text = (first) => {
    const editor = view(), box = document.getElementById("q-editor");
    return editor ? editor.state.doc.toString() : (box && box._text) || first;
  };

  function queryRecipe(recipeClicks, oldClicks, recipes, past, result) {
    const context = window.dash_clientside.callback_context, which = context.triggered_id;
    if (!which || !context.triggered[0].value) return no();
    if (!result) set("q-summary", { children: "Not run yet." }); // not what became of the query before it
    if (which.type === "q-old") { write((past || [])[which.at] || ""); return no(); }
    const recipe = recipes[which.at];
    write(recipe.text);
    return recipe.parameters === null ? no() : recipe.parameters;
  }

  const exportable = (result) => Array(2).fill(!result || !result.rows.length);

  function askQuery(clicks, run, first, parameters, timeout, past, before) {
    if (!clicks && !run) return [no(), no()];
    const cypher = text(first);
    window.clearTimeout(drafting);
    asked = cypher;
    address({ q: cypher, parameters, draft: null });
    const history = [cypher, ...(past || []).filter((old) => old !== cypher)].slice(0, 12);
    return [{ id: ticket(), text: cypher, parameters, timeout, before: before ? before.id : null }, history];
  }

  /* ---------- the learning page ---------- */

  function learner(kind, d, chance) {
    const shown = (yes) => (yes ? {} : { display: "none" });
    const name = kind === "capacity" ? "capacity:" + Number(chance).toFixed(2) : d === 1 ? "one" : "d:" + d;
    return [name, shown(kind === "d"), shown(kind === "capacity"), String(d), Number(chance).toFixed(2)];
  }

  /* ---------- the compression page ---------- */

  function codeState(text, receiver, model, erasure) {
    address({ text, receiver, model: model === "frequency" ? null : model, erasure: erasure === 0.1 ? null : erasure });
    return no();
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    work: { pulseRun: pulse("run-pulse", "run-progress", 400), pulseQuery: pulse("q-pulse", "q-cancel", 300), startRun, runForm, follow, queryEditor, queryRecipe, exportable, askQuery, learner, codeState },
  });
})();
