/* What the browser does for runs and queries: it asks, and asks again until there is an answer. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  /* A name that nobody guesses: who knows it sees the work and may cancel it. */
  function ticket() {
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  }

  /* What a button begins. The tab keeps its name from the click on, where the page's store of it looks (dcc.Store in
     the session): a page that is made anew before the server has answered finds its work all the same. */
  function begun(form) {
    const id = ticket(), name = window.dash_clientside.callback_context.outputs_list.id.replace(/-start$/, "-ticket");
    try {
      window.sessionStorage.setItem(name, JSON.stringify(id));
      window.sessionStorage.setItem(`${name}-timestamp`, String(Date.now()));
    } catch { /* a tab without storage */ }
    return { id, form };
  }

  /* The next question is asked when the last one has been answered, so a slow server is not asked twice. */
  const asking = {};
  const pulse = (name, place) => (state) => {
    window.clearTimeout(asking[name]);
    if (state && state.running) {
      asking[name] = window.setTimeout(() => {
        if (document.getElementById(place)) set(name, { data: Date.now() });
      }, state.pause);
    }
    return no();
  };

  /* The same for work that a page watches by its name; see ui/work/watching.py. */
  function again(state, id, before) {
    const name = id.replace(/-state$/, "");
    pulse(`${name}-pulse`, `${name}-progress`)(state);
    const turn = state && state.work ? `${state.work} ${state.running}` : before;
    if (turn === before) return [no(), no()];
    return [turn, state && state.running ? no() : turn];
  }

  /* Tables that wait for work say so from its beginning; what fills them says that they no longer do. */
  const loading = (turn, ...tables) => tables.map((options) => (turn && turn.endsWith(" true") ? { ...options, loading: true } : no()));

  /* What work is started with: the values of a form by the names of its fields, and what the page is about. */
  function form(values, ids, flags, flagIds) {
    const subject = document.getElementById("subject");
    const found = { dataset: subject ? subject.dataset.dataset : "", layer: subject ? subject.dataset.layer : "" };
    ids.forEach((id, i) => { found[id.name] = values[i]; });
    flagIds.forEach((id, i) => { found[id.name] = Boolean(flags[i]); });
    return found;
  }
  const start = (clicks, ...fields) => (clicks ? begun(form(...fields)) : no());

  /* Copy what stands in the element that a button names, or the address of the page. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    const text = from ? from.textContent : window.location.href;
    const said = button.dataset.said || (button.dataset.said = button.textContent);
    const tell = (word) => { button.textContent = word; window.setTimeout(() => { button.textContent = said; }, 1600); };
    const byHand = () => {
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      tell(done ? "Copied" : "Not copied");
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => tell("Copied"), byHand);
    else byHand();
  });

  window.sgWork = { ticket, begun, pulse };
  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgWork: { again, loading, start } });
})();

/* Ways from a skill to the page that says why it was learned or not. */
(function () {
  "use strict";
  /* To another page without loading everything anew. */
  window.sgGo = (address) => {
    window.history.pushState({}, "", address);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  };

  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  cells.SkillWhy = (cell) => {
    const row = cell.data || {}, skill = row[cell.skill];
    if (!skill) return null;
    const layer = cell.ofRow ? `&layer=${encodeURIComponent(row.layer)}&skill=` : "";
    const href = cell.address + layer + encodeURIComponent(skill);
    const follow = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      window.sgGo(href);
    };
    return window.React.createElement("a", { href, onClick: follow, className: "link", "aria-label": `Why: ${window.sgTools.isolated(String(row.skill || row.name || skill).trim())}` }, "why");
  };
})();
