/* The address says what a page shows. Each choice is a step of the browser's history, so Back undoes it; what slides
   makes one step for each time it is held. Controls are declared in ui/state.py and come as data. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const place = () => window.location.pathname.replace(/(.)\/+$/, "$1"); // /graph/ is /graph

  /* ---------- values as text, as ui/state.py has them ---------- */

  const figures = (n) => (n === null || n === undefined || n === "" ? "" : String(Number(Number(n).toPrecision(10))));
  const strings = (text) => {
    if (!text.startsWith("[")) return text ? [text] : [];
    try { return JSON.parse(text).filter((value) => typeof value === "string"); } catch { return []; }
  };
  const CODECS = {
    text: [(value) => (value === null || value === undefined ? "" : String(value)), (text) => text],
    whole: [figures, Number],
    number: [figures, Number],
    flag: [(on, control) => (on ? control.word : ""), (text, control) => text === control.word],
    list: [(values) => (values && values.length ? JSON.stringify(values) : ""), strings],
    numbers: [(values) => (values || []).join(","), (text) => text.split(",").filter((part) => /^\d+$/.test(part)).map(Number)],
    range: [(ends) => (ends || []).join("-"), (text) => text.split("-").map(Number)],
  };
  const write = (control, value) => CODECS[control.codec][0](value, control);
  const usual = (control) => write(control, control.default);
  const read = (control, text) => (text === "" || text === null || text === undefined
    ? (control.default === undefined ? null : control.default) : CODECS[control.codec][1](text, control));

  /* ---------- steps ---------- */

  /* All that one press of a key or of the pointer brings about is one step. */
  let gesture = 0, spent = 0, slid = null;
  let shown = { path: place(), search: window.location.search };
  const pressed = () => { gesture += 1; restoring = false; handled = null; };
  window.addEventListener("pointerdown", () => { pressed(); slid = null; }, true);
  window.addEventListener("keydown", (event) => { if (!event.repeat) pressed(); }, true);
  // what assistive technology presses comes as a click alone
  window.addEventListener("click", (event) => { if (event.detail === 0) pressed(); }, true);
  window.addEventListener("focusin", () => { slid = null; }, true);

  const depth = () => (window.history.state && window.history.state.step) || 0;

  /* Put texts into the address without leaving the page; "" leaves a key out. */
  function step(texts, slides) {
    const query = new URLSearchParams(window.location.search), changed = [];
    for (const [key, text] of Object.entries(texts)) {
      if ((query.get(key) || "") !== text) changed.push(key);
      if (text === "") query.delete(key); else query.set(key, text);
    }
    const tail = query.toString(), search = tail ? "?" + tail : "";
    if (!changed.length) { shown = { path: place(), search: window.location.search }; return; }
    const on = slides && changed.length === 1 ? changed[0] : null;
    const address = window.location.pathname + search;
    if (gesture === spent || (on && on === slid)) window.history.replaceState(window.history.state, "", address);
    else window.history.pushState({ step: depth() + 1 }, "", address);
    spent = gesture;
    slid = on;
    shown = { path: place(), search: window.location.search };
  }

  /* For what is not a declared control. */
  function address(state, quietly) {
    const texts = {};
    for (const [key, value] of Object.entries(state)) {
      texts[key] = value === null || value === undefined || value === "" || value === false ? "" : String(value);
    }
    if (quietly) spent = gesture;
    step(texts);
    return no();
  }

  /* ---------- controls ---------- */

  let groups = {}, restoring = false, handled = null;
  const rules = (window.sgRules = window.sgRules || {}); // of pages whose controls depend on each other

  /* The texts of a group's values; the page's rule says which are left out and which others follow. */
  function keep(...given) {
    const group = given.pop();
    const texts = Object.fromEntries(group.controls.map((control, i) => [control.key, write(control, given[i])]));
    return keepTexts(group, texts);
  }

  function keepTexts(group, texts) {
    const rule = rules[group.name] || {}, known = groups[group.name];
    if (!known || known.path !== place()) groups = Object.fromEntries(Object.entries(groups).filter(([, other]) => other.path === place()));
    const left = Object.fromEntries(group.controls.map((control) => [control.key, usual(control)]));
    if (rule.usual) Object.assign(left, rule.usual(texts, left));
    for (const control of group.controls) if (control.always) left[control.key] = null;
    const said = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text === left[key] ? "" : text]));
    if (rule.said) rule.said(said, texts);
    groups[group.name] = { path: place(), group, texts, left };
    if (restoring) {
      const query = new URLSearchParams(window.location.search);
      if (Object.entries(said).every(([key, text]) => (query.get(key) || "") === text)) restoring = false;
      return said;
    }
    const slides = group.controls.filter((control) => control.slides).map((control) => control.key);
    const query = new URLSearchParams(window.location.search);
    const changed = Object.entries(said).filter(([key, text]) => (query.get(key) || "") !== text).map(([key]) => key);
    step(said, changed.length === 1 && slides.includes(changed[0]));
    return said;
  }

  /* Give the controls what the address says. */
  function restore(query) {
    restoring = true;
    for (const { group, texts } of Object.values(groups)) {
      const rule = rules[group.name] || {};
      const plain = Object.fromEntries(group.controls.map((control) => [control.key, usual(control)]));
      const said = Object.fromEntries(group.controls.map(({ key }) => [key, query.get(key) || plain[key]]));
      const left = rule.usual ? { ...plain, ...rule.usual(said, plain) } : plain;
      for (const control of group.controls) {
        const text = query.get(control.key) || left[control.key];
        if (text !== texts[control.key]) set(control.id, { [control.property]: read(control, text) });
      }
    }
  }

  /* Keys in which two addresses of a page differ. */
  function differing(before, after) {
    const a = new URLSearchParams(before), b = new URLSearchParams(after);
    return [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key));
  }

  const declared = () => new Set(Object.values(groups).filter((known) => known.path === place())
    .flatMap(({ group }) => group.controls.map((control) => control.key)));

  window.addEventListener("popstate", () => {
    const before = shown, keys = declared();
    spent = gesture;
    slid = null;
    shown = { path: place(), search: window.location.search };
    if (before.path === shown.path && differing(before.search, shown.search).every((key) => keys.has(key))) {
      handled = window.location.href;
      restore(new URLSearchParams(shown.search));
    } else {
      restoring = false;
      handled = null;
      again();
    }
  });

  /* Whether Back or Forward has been followed already, by the controls alone. */
  const followed = () => handled === window.location.href;

  /* A new page: what it says by itself is no step. */
  function arrived() {
    spent = gesture;
    restoring = false;
    groups = {};
    shown = { path: place(), search: window.location.search };
  }

  /* The page is made anew from the address. */
  let times = 0;
  function again() {
    const version = window.sgState.version;
    if (version) set("route", { data: { path: place(), search: window.location.search, version, again: ++times } });
  }

  window.sgState = { CODECS, write, read, step, keepTexts, restoring: () => restoring, begin: pressed, followed, arrived, again, depth, place, version: null };
  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgState: { keep, address } });
})();
