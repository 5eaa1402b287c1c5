/* The query page: the editor, recipes, and the query that runs. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const address = (state, quietly) => window.dash_clientside.sgState.address(state, quietly);
  const ticket = () => window.sgWork.ticket();

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
  let asked = null, drafting = 0, made = null;
  function written(text) {
    window.clearTimeout(drafting);
    drafting = window.setTimeout(() => {
      if (document.getElementById("q-editor")) address({ q: text, draft: text === asked ? null : 1 }, true);
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
        if (made) made.destroy(); // of a visit before: it listens to the window, and so would stay for ever
        made = box._view = window.makeCypherEditor(box, box._text, words || [], written,
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

  /* The canvas outlives its results: each is shown whole. */
  function fitResult(elements, hidden, id) {
    if (hidden || !elements || !elements.length) return no();
    window.sgTools.whenReady(id, (cy) => {
      window.sgTools.settle(cy);
      window.sgTools.notes(cy).moved = false;
      window.sgTools.fit(cy);
    });
    return no();
  }

  const pulseQuery = (state) => window.sgWork.pulse("q-pulse", "q-cancel")(state);

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgQuery: { pulseQuery, queryEditor, queryRecipe, exportable, askQuery, fitResult } });
})();
