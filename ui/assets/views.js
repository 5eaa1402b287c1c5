/* Saved views: the menu of every page. What is saved lies in the store; ui/pages/saved_views.py answers. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const ask = (what) => window.dash_clientside.set_props("views-ask", { data: { ...what, at: Date.now() + Math.random() } });
  const menu = () => document.querySelector("details.views");
  const here = () => window.location.pathname + window.location.search;

  function make(tag, props, ...children) {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children);
    return element;
  }
  const button = (text, title, act) => make("button", { type: "button", className: "act", textContent: text, title, onclick: act, ...(title.startsWith(text) ? { ariaLabel: title } : {}) });

  function field(label, id, act) {
    const input = make("input", { id, type: "text", maxLength: 200, className: "text-input", autocomplete: "off" });
    const done = () => { if (input.value.trim()) act(input.value.trim()); else input.focus(); };
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); done(); } });
    return [make("label", { htmlFor: id, className: "control-label", textContent: label }), input, done];
  }

  /* Views that an earlier version kept in this browser. */
  function former() {
    try { return (JSON.parse(window.localStorage.getItem("skillgraph-views")) || []).filter((view) => view && view.name); } catch { return []; }
  }
  function takeFormer() {
    const views = former().map((view) => ({ name: view.name, path: view.path || "/graph", query: (view.search || "").replace(/^\?/, "") }));
    ask({ act: "import", file: "this browser", content: JSON.stringify({ skillgraph_views: 1, views }) });
  }

  function choose() {
    const input = make("input", { type: "file", accept: ".json,application/json" });
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (file) ask({ act: "import", file: file.name, content: await file.text() });
    });
    input.click();
  }

  function save(name, content) {
    const link = make("a", { href: URL.createObjectURL(new Blob([content], { type: "application/json" })), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  let naming = null; // the view whose new name is being typed

  function line(view) {
    if (naming === view.name) {
      const [label, input, done] = field(`New name of ${view.name}`, "views-new-name", (name) => { naming = null; ask({ act: "rename", name: view.name, new: name }); });
      label.className = "sr-only";
      input.value = view.name;
      return make("li", {}, label, input, button("Rename", `Rename ${view.name}`, done));
    }
    return make("li", {},
      make("a", { href: view.address, className: "item", title: view.address }, make("bdi", { textContent: view.name }), make("span", { className: "quiet", textContent: ` ${view.page === "/" ? "overview" : view.page.slice(1)}` })),
      button("Copy link", `Copy the link of ${view.name}`, (event) => {
        const from = event.target, link = window.location.origin + view.address;
        const done = () => { from.textContent = "Copied"; window.setTimeout(() => { from.textContent = "Copy link"; }, 1500); };
        if (navigator.clipboard) navigator.clipboard.writeText(link).then(done, () => window.prompt("The link", link));
        else window.prompt("The link", link);
      }),
      button("Rename", `Rename ${view.name}`, () => { naming = view.name; draw(shown); }),
      button("Delete", `Delete ${view.name}`, () => ask({ act: "delete", name: view.name })));
  }

  let shown = null;
  function draw(found) {
    const box = menu() && menu().querySelector(".views-panel");
    if (!found || !box) return no();
    if (found.file && found !== shown) save("views.json", found.file);
    shown = found;
    const held = document.getElementById("views-name"), typed = held && !(found.act === "save" && found.said) ? held.value : "";
    const [label, input, done] = field("Save this page as it is now, as", "views-name", (name) => ask({ act: "save", name, address: here() }));
    input.value = typed;
    const there = typed && found.act === "save" && found.problem && found.views.some((view) => view.name === typed);
    const acts = make("div", { className: "view-acts" },
      button("Export", "Save all views as a file", () => ask({ act: "export" })),
      button("Import", "Save the views of a file", choose));
    if (former().some((view) => !found.views.some((one) => one.name === view.name))) {
      acts.append(button("Take over this browser's views", "Save the views that an earlier version kept in this browser", takeFormer));
    }
    box.replaceChildren(
      label,
      make("div", { className: "view-form" }, input, make("button", { type: "button", className: "act strong", textContent: "Save", onclick: done }),
        ...(there ? [button("Replace", `Replace ${typed}`, () => ask({ act: "save", name: typed, address: here(), replace: true }))] : [])),
      make("p", { className: found.problem ? "view-problem" : "quiet", role: found.problem ? "alert" : "status", textContent: found.problem || found.said || "Kept in the store: everybody who opens it sees them." }),
      make("ul", { className: "view-list", ariaLabel: "Saved views" }, ...(found.views.length ? found.views.map(line) : [make("li", { className: "quiet", textContent: "None yet." })])),
      acts);
    document.getElementById("views-new-name")?.select(); // at once: who types on must not type into nothing
    return no();
  }

  document.addEventListener("toggle", (event) => {
    if (!event.target.matches || !event.target.matches("details.views") || !event.target.open) return;
    naming = null;
    ask({ act: "list" });
  }, true);

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgViews: { draw } });
})();
