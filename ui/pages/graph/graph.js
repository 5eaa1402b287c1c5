/* The graph page: taps, legend, paths, address, undo, saved views; the server only makes new pictures. */
(function () {
  "use strict";
  const tools = () => window.sgTools;
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const trigger = () => window.dash_clientside.callback_context;
  const ready = (act) => tools().whenReady("cy", act);
  const count = (n, one, many) => `${Number(n).toLocaleString("en")} ${n === 1 ? one : many}`;

  /* ---------- the canvas ---------- */

  function describe(node) {
    const d = node.data();
    if (node.hasClass("group")) return [d.name, `${count(d.members, "skill", "skills")} · click to open`];
    if (node.hasClass("text")) {
      const taught = d.taught ? `taught ${count(d.taught, "skill", "skills")} of them` : "taught none of them: all were known, or more than one was unknown";
      return [d.name, `requires ${count(d.skills, "skill", "skills")}`, taught];
    }
    const wave = d.wave < 0 ? "not learned in this layer" : d.wave === 0 ? "known before" : `learned in wave ${d.wave}`;
    return [d.name, `${window.sgTools.isolated(d.class)} · ${count(d.uses, "text requires it", "texts require it")}`, wave];
  }

  /* All in view, with room for half a name at each side. */
  function fit(cy) {
    const named = cy.nodes(":visible").is(".text"); // names beside their nodes need room too
    tools().fit(cy, 14, named ? 14 : 28, named);
  }

  const openGroup = (opened, group) => set("g-open", { data: [group, ...opened.filter((c) => c !== group)].slice(0, 6) });
  const closeGroup = (opened, group) => set("g-open", { data: opened.filter((c) => c !== group) });

  function tap(cy, target) {
    const opened = tools().notes(cy).opened || [], view = tools().notes(cy).view;
    window.sgState.begin();
    if (target === cy) return set("g-skill", { data: null });
    if (!target.isNode || !target.isNode()) return undefined;
    const group = target.data("group");
    if (target.hasClass("group")) return openGroup(opened, group);
    if (target.hasClass("island")) return view === "groups" ? closeGroup(opened, group) : set("g-skill", { data: null });
    if (target.hasClass("text")) return set("g-texts", { value: [target.id().slice(2)] });
    if (/^[su]:/.test(target.id())) return set("g-skill", { data: target.id().slice(2) }); // learned or not
    return undefined;
  }

  /* Once for each canvas, before it has anything to show. */
  function listen(tries) {
    const cy = tools().instance("cy");
    if (!cy) { if (tries) window.setTimeout(() => listen(tries - 1), 25); return; }
    if (tools().notes(cy).taps) return;
    tools().notes(cy).taps = true;
    tools().hover(cy, describe);
    cy.on("tap", (event) => tap(cy, event.target));
    tools().onPicture(cy, () => fit(cy)); // in view before it is drawn: to draw it twice takes twice as long
    new ResizeObserver(() => {
      if (cy.destroyed()) return;
      cy.resize();
      if (tools().notes(cy).fitted === false && cy.width()) { tools().notes(cy).fitted = true; fit(cy); }
    }).observe(cy.container());
  }

  function attach(elements, view, arrangement, opened) {
    ready((cy) => {
      tools().notes(cy).opened = opened || [];
      tools().notes(cy).view = view;
      if (view === "skills" && arrangement === "fcose" && cy.nodes().length <= 500) {
        cy.layout({ name: "fcose", quality: "default", randomize: false, animate: false, fit: false, nodeSeparation: 60, idealEdgeLength: 45 }).run();
      }
      tools().notes(cy).fitted = Boolean(cy.width());
      fit(cy);
      shade(cy);
    });
    return no();
  }

  /* Other colours and names for what is drawn already. */
  function paint(colours) {
    if (!colours) return no();
    ready((cy) => cy.batch(() => {
      cy.nodes().forEach((node) => {
        const place = colours.of[node.id()];
        if (place !== undefined) node.data({ c_look: colours.palette[place], k_look: place });
        const name = colours.labels[node.id()];
        if (name !== undefined && name !== node.data("label")) node.data("label", name);
      });
      shade(cy);
    }));
    return no();
  }

  let hidden = new Set();
  function shade(cy) {
    cy.batch(() => cy.nodes().forEach((node) => {
      const place = node.data("k_look");
      if (place !== undefined && !node.hasClass("island")) tools().wear(node, "off", hidden.has(place));
    }));
  }

  /* Each entry of the legend hides and shows its skills. */
  function legend(clicks, wanted) {
    const cause = trigger().triggered_id, value = trigger().triggered[0] && trigger().triggered[0].value;
    const now = new Set(wanted || []);
    const clicked = cause && cause.type === "legend" && value;
    if (clicked && !now.delete(cause.place)) now.add(cause.place);
    hidden = now;
    const all = trigger().inputs_list[0];
    ready(shade);
    return [clicked ? [...now].sort((a, b) => a - b) : no(),
            all.map((item) => "legend-item" + (now.has(item.id.place) ? " legend-off" : "")),
            all.map((item) => (now.has(item.id.place) ? "false" : "true"))];
  }

  function nameNeighbours(node, others) {
    const boxes = [];
    let named = node.cy().collection();
    [node, ...others].forEach((n) => {
      if (!n.length || boxes.length > 14) return;
      const p = n.renderedPosition(), half = 3.6 * n.data("label").length + 4;
      if (!boxes.every((b) => Math.abs(b.x - p.x) > b.half + half || Math.abs(b.y - p.y) > 17)) return;
      boxes.push({ x: p.x, y: p.y, half });
      if (n !== node) named = named.union(n);
    });
    return named;
  }

  /* What the panel says is seen before thousands of elements are drawn anew; a hidden tab draws no frames. */
  const seen = () => new Promise((done) => {
    window.requestAnimationFrame(() => window.setTimeout(done));
    window.setTimeout(done, 250);
  });
  const focus = (...given) => seen().then(() => { emphasise(...given); return no(); });

  /* Neighbours of the chosen skill stand out, with associations that are not drawn otherwise; a path wins. */
  function emphasise(skill, path, near, elements, view) {
    ready((cy) => {
      tools().notes(cy).view = view;
      const at = (s) => { const n = cy.getElementById("s:" + s); return n.length ? n : cy.getElementById("u:" + s); };
      const join = (a, b) => {
        const there = a.edgesWith(b);
        if (there.length) return there;
        return cy.add({ group: "edges", classes: "temporary", data: { id: `x:${a.id()}|${b.id()}`, source: a.id(), target: b.id(), width: 1.2, opacity: 0.5 } });
      };
      const beside = cy.nodes(".text").nonempty();
      cy.veil(() => {
        cy.elements(".temporary").remove();
        const none = cy.collection(), wanted = { near: none, focus: none, path: none };
        const ground = cy.elements(".island, .mark"), steps = beside ? [] : (path || []).map(at).filter((n) => n.length);
        const node = skill ? at(skill) : none;
        let shown = null;
        tools().notes(cy).unnamed = none;
        if (steps.length > 1) {
          shown = none;
          steps.forEach((n, i) => { shown = shown.union(n); if (i) shown = shown.union(join(n, steps[i - 1])); });
          wanted.path = shown;
          wanted.focus = steps[0];
        } else if (node.length && (beside || tools().notes(cy).view === "neighbours")) {
          wanted.near = node.connectedEdges();
          wanted.focus = node;
          if (!beside) shown = cy.nodes().union(wanted.near);
        } else if (node.length) {
          const others = (near || []).map(at);
          shown = node.union(node.neighborhood("node"));
          others.forEach((n) => { if (n.length) { join(n, node); shown = shown.union(n); } });
          const edges = node.connectedEdges();
          wanted.near = edges.union(nameNeighbours(node, others));
          wanted.focus = node;
          tools().notes(cy).unnamed = shown.not(wanted.near).not(node);
          shown = shown.union(edges);
        }
        tools().dress(cy, wanted);
        return shown && shown.union(ground);
      }, { behind: true });
      const node = skill ? at(skill) : null;
      if (node && node.length && !(path && path.length)) {
        const box = node.renderedPosition(), w = cy.width(), h = cy.height();
        if (box.x < 30 || box.y < 30 || box.x > w - 30 || box.y > h - 30) cy.animate({ center: { eles: node } }, { duration: 250 });
      }
    });
  }

  function zoom() {
    const which = trigger().triggered_id, cy = tools().instance("cy");
    if (!cy || !which) return no();
    if (which.act === "fit") { fit(cy); return no(); }
    const level = cy.zoom() * (which.act === "in" ? 1.4 : 1 / 1.4);
    cy.animate({ zoom: { level, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } } }, { duration: 120 });
    return no();
  }

  /* ---------- state: one list of controls, for the address, for undo, for the server ---------- */

  const DRAWN = ["view", "by", "layout", "per", "most", "weight", "waves", "uses", "mastery", "classes", "add", "around", "open", "texts", "box"];

  /* What an address need not say because the page takes it anyway, and what means nothing in a view. */
  (window.sgRules = window.sgRules || {}).graph = {
    usual: (texts, plain) => ({
      layout: texts.box ? "map" : plain.layout, colour: texts.view === "groups" ? texts.by || plain.by : plain.colour,
    }),
    said(said, texts) {
      if (texts.view !== "neighbours" && texts.view !== "texts") said.around = "";
      if (texts.view !== "texts") said.texts = "";
      if (texts.view !== "groups") said.by = said.open = "";
    },
  };

  /* Choices that follow from another; not while Back or Forward gives all of them. */
  let last = null;
  function settle(now, where) {
    if (!last || last.where !== where) last = null;
    if (!window.sgState.restoring()) {
      // neighbours and texts are those of the skill that was chosen when the view was
      const turned = last && last.view !== now.view && (now.view === "neighbours" || now.view === "texts");
      if (now.skill && (turned || !now.around) && now.around !== now.skill) {
        now.around = now.skill;
        set("g-around", { data: now.skill });
      }
      if (last && last.colour !== now.colour && now.hide) { // places of another legend
        now.hide = "";
        set("g-hidden", { data: [] });
      }
      if (last && last.by !== now.by && now.open) {
        now.open = "";
        set("g-open", { data: [] });
      }
    }
    last = { where, ...now };
  }

  function state(...given) {
    const mappedBefore = given.pop(), before = given.pop(), subject = given.pop(), declared = given.pop();
    const now = Object.fromEntries(declared.controls.map((control, i) => [control.key, window.sgState.write(control, given[i])]));
    settle(now, `${subject.dataset}/${subject.layer}`);
    const said = window.sgState.keepTexts(declared, now);
    const drawn = Object.fromEntries(DRAWN.map((key) => [key, now[key]]));
    // what another view shows does not draw this one anew
    if (now.view !== "neighbours" && now.view !== "texts") drawn.around = "";
    if (now.view !== "texts") drawn.texts = "";
    if (now.view !== "groups") { drawn.by = "community"; drawn.open = ""; }
    if (now.view !== "skills") { drawn.layout = ""; drawn.per = ""; }
    if (now.view !== "skills" && now.view !== "groups") drawn.most = "";
    // an element that is drawn already keeps a class that it is no longer given
    const box = document.getElementById("cy"), cy = !now.add && box && box._cyreg && box._cyreg.cy;
    if (cy) cy.nodes(".added").removeClass("added");
    const filters = [said.weight, said.waves, said.uses, said.mastery, said.classes, now.view !== "map" && said.box].filter(Boolean).length;
    const stage = now.as ? "as-table" : now.view === "map" ? "as-map" : "as-graph";
    document.querySelectorAll(".options-row .for-view").forEach((box) => { box.hidden = !box.classList.contains("for-" + now.view); });
    const mapped = now.view === "map" ? { ...drawn, colour: now.colour, names: now.names, hide: now.hide, skill: now.skill } : null;
    const changed = (one, other) => (JSON.stringify(one) === JSON.stringify(other) ? no() : one);
    return [changed(drawn, before), !window.sgState.depth(), "graph-stage " + stage, filters ? String(filters) : "",
            !now.box, !now.add, changed(mapped, mappedBefore)];
  }

  /* Back, as long as it stays on the page. */
  function undo(clicks) {
    if (clicks && window.sgState.depth()) window.history.back();
    return no();
  }

  function clear(all, box, added, everything, subject) {
    const which = trigger().triggered_id;
    if (!trigger().triggered[0].value) return no();
    if (which === "g-no-added") { set("g-added", { data: [] }); return no(); }
    set("g-box", { data: null });
    set("g-layout", { value: "islands" });
    if (which !== "g-no-box") {
      set("g-weight", { value: 1 });
      set("g-waves", { value: subject.ends.waves });
      set("g-uses", { value: subject.ends.uses });
      set("g-mastery", { value: [0, 100] });
      set("g-classes", { value: [] });
    }
    return no();
  }

  /* ---------- controls ---------- */

  function options(clicks, name) {
    const closed = name.includes("closed"), toggled = clicks ? !closed : closed;
    return ["options-row card" + (toggled ? " closed" : ""), toggled ? "false" : "true"];
  }

  function table(clicks, shown) {
    if (trigger().triggered_id === "g-table") return [no(), shown ? "true" : "false"];
    return [!shown, shown ? "false" : "true"];
  }

  function choose(found, skill) {
    if (trigger().triggered_id === "g-skill") return [no(), skill === found ? no() : skill];
    return [found === skill ? no() : found, no()];
  }

  /* A field asks for choices unless all are there, or nothing was typed and the chosen one is among them. */
  function ask(typed, chosen, options, subject) {
    const named = (options || []).some((option) => option.value === chosen && option.label === typed);
    return named || subject.whole.includes(trigger().outputs_list.id.replace("-asked", "")) ? no() : [typed || null, chosen || null];
  }

  /* The panel's buttons say what they are for; there are too many of them to be components that Dash watches. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("#g-inspector button, #g-path-box button");
    if (!button) return;
    const { skill, text, act } = button.dataset;
    if (skill !== undefined) set("g-skill", { data: skill });
    else if (text !== undefined) set("g-asked", { data: { text } });
    else if (act !== undefined) set("g-asked", { data: { act } });
  });

  /* The other end of a path is forgotten with the skill that it started from. */
  let pathFrom;
  function goal(value, skill, now) {
    const known = pathFrom, cause = trigger().triggered_id;
    pathFrom = skill;
    if (cause === "g-goal") return [no(), now === value ? no() : now];
    if (cause === "g-to") return [(value || null) === (now || null) ? no() : value || null, no()];
    const forget = !window.sgState.restoring() && known !== undefined && known !== skill && now;
    return forget ? [null, null] : [no(), no()];
  }

  function pickRow(rows, opened) {
    const id = rows && rows.length ? rows[0].id : null;
    if (!id) return no();
    const rest = id.slice(2);
    if (/^[su]:/.test(id)) set("g-skill", { data: rest });
    if (id.startsWith("g:")) openGroup(opened || [], Number(rest));
    if (id.startsWith("i:")) closeGroup(opened || [], Number(rest));
    if (id.startsWith("t:")) set("g-texts", { value: [rest] });
    return no();
  }

  /* ---------- the map ---------- */

  const chart = () => document.querySelector("#g-map .js-plotly-plot");
  let moving;
  function mapMoved(change) {
    if (!change || !Object.keys(change).some((key) => key.startsWith("xaxis.range"))) return no();
    window.clearTimeout(moving);
    moving = window.setTimeout(() => { // once the wheel rests
      const box = chart();
      if (!box || !box._fullLayout) return;
      const x = box._fullLayout.xaxis.range, y = box._fullLayout.yaxis.range;
      set("g-box", { data: [Math.min(...x), Math.max(...x), Math.min(...y), Math.max(...y)].map((v) => v.toFixed(2)).join(",") });
    }, 220);
    return no();
  }

  function mapClicked(click) {
    const id = click && click.points && click.points[0] && click.points[0].customdata;
    if (id) set("g-skill", { data: id });
    return no();
  }

  function mapActs() {
    const which = trigger().triggered_id;
    if (!trigger().triggered[0].value) return no();
    if (which === "g-map-all") set("g-box", { data: null });
    else {
      set("g-layout", { value: "map" });
      set("g-view", { value: "skills" });
    }
    return no();
  }

  function image(png, svg, pdf, scheme, view, subject) {
    const kind = trigger().triggered_id.slice(2);
    const place = view === "map" ? document.getElementById("g-map-box") : document.getElementById("cy").closest(".canvas");
    window.sgTake.picture(place, kind, `${subject.dataset}-${subject.layer}-${view}.${kind}`);
    return no();
  }

  /* Once for each page: who listens to the canvas. */
  function begin() {
    listen(400);
    return no();
  }

  /* A menu that is worked in stays open until a click elsewhere. */
  document.addEventListener("click", (event) => {
    const inside = event.composedPath().some((e) => e.matches && e.matches("details.menu.stay > .menu-box"));
    if (inside) event.stopImmediatePropagation();
  }, false);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    sgGraph: {
      attach, paint, legend, focus, zoom, state, undo, clear, options, table, choose, ask, goal, pickRow, mapMoved, mapClicked, mapActs, image, begin,
    },
  });
})();
