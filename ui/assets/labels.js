/* Names on a graph as on a map: the most important first, none over another nor over a disc, more as one comes nearer.

Cytoscape draws the names that a stylesheet gives; those of skills, groups and islands are placed here, on a layer above
the discs. While the picture moves the layer is only moved with it; names are placed anew once it rests. */
(function () {
  "use strict";
  const REST = 90; // milliseconds without a movement
  const CELL = 32, GAP = 2, TRIED = 1500, LINES = 200;
  const FONT = "'Inter Variable', Inter, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Noto Sans CJK SC', Arial, sans-serif";
  const layers = new WeakMap();
  const widths = new Map();
  const pen = document.createElement("canvas").getContext("2d");
  const isolated = (text) => `\u2068${text}\u2069`; // a name's direction of writing stays its own affair

  function width(text, font) {
    const key = font + text;
    if (!widths.has(key)) {
      if (widths.size > 20000) widths.clear();
      pen.font = font;
      widths.set(key, pen.measureText(text).width);
    }
    return widths.get(key);
  }

  /* Boxes and discs that names keep clear of, in cells. */
  class Room {
    constructor() { this.cells = new Map(); }

    each(x1, y1, x2, y2, act) {
      for (let i = Math.floor(x1 / CELL); i <= Math.floor(x2 / CELL); i += 1) {
        for (let j = Math.floor(y1 / CELL); j <= Math.floor(y2 / CELL); j += 1) {
          if (act(i * 65536 + j)) return true;
        }
      }
      return false;
    }

    put(thing) {
      this.each(thing.x1, thing.y1, thing.x2, thing.y2, (cell) => {
        const there = this.cells.get(cell);
        if (there) there.push(thing); else this.cells.set(cell, [thing]);
        return false;
      });
    }

    /* Whether a box meets something but `own`. */
    meets(box, own) {
      return this.each(box.x1, box.y1, box.x2, box.y2, (cell) => (this.cells.get(cell) || []).some((thing) => {
        if (thing.of === own && thing.r !== undefined) return false;
        if (thing.x1 >= box.x2 || thing.x2 <= box.x1 || thing.y1 >= box.y2 || thing.y2 <= box.y1) return false;
        if (thing.r === undefined) return true;
        const dx = thing.x - Math.min(Math.max(thing.x, box.x1), box.x2), dy = thing.y - Math.min(Math.max(thing.y, box.y1), box.y2);
        return dx * dx + dy * dy < thing.r * thing.r;
      }));
    }
  }

  const RANKS = [["mark", 6], ["focus", 5], ["path", 4], ["near", 3], ["island", 2], ["group", 1]];
  function rank(node) {
    for (const [name, value] of RANKS) if (node.hasClass(name)) return value;
    return 0;
  }

  /* What could be named: nodes with a name that the stylesheet does not draw. */
  function candidates(cy, view) {
    const found = [], { unnamed } = window.sgTools.notes(cy);
    cy.nodes().forEach((node) => {
      const data = node.data(), position = node.position();
      if (!node.visible()) return;
      const r = (view.zoom * node.width()) / 2, x = view.x + view.zoom * position.x, y = view.y + view.zoom * position.y;
      if (x + r < 0 || y + r < 0 || x - r > view.w || y - r > view.h) return;
      const faint = cy.veiled(node) || node.hasClass("ghost") || (unnamed && unnamed.has(node));
      const island = node.hasClass("island"), own = node.pstyle("label").strValue;
      const text = faint ? "" : island ? data.label || (data.members > 9 ? data.name : "") : data.label;
      found.push({ node, x, y, r, h: (view.zoom * node.height()) / 2, island, own: Boolean(own), text: own ? "" : text || "", rank: rank(node), weight: data.uses || data.members || data.size || 0 });
    });
    return found;
  }

  const fits = (entry, w, h) => 2 * entry.r > w + 6 && 2 * entry.r > h + 6;

  function lines(entry, view) {
    const bold = entry.rank >= 4 || entry.rank === 1 || entry.rank === 2;
    const size = entry.rank === 5 ? 13 : entry.rank === 2 ? 12.5 : 12;
    const font = `${bold ? 600 : 500} ${size}px ${FONT}`;
    const wide = (some) => Math.max(...some.map((row) => width(row, font))), high = (some) => some.length * size * 1.22;
    let rows = entry.text.split("\n");
    if (entry.rank === 1) { // as much of a group's name as its disc has room for; beside it, the first and the number
      const short = [rows[0], ...rows.slice(1).slice(-1)];
      rows = [rows, short, [rows[0]]].find((some) => fits(entry, wide(some), high(some))) || short;
    }
    if (entry.island && !entry.text.includes("\n")) { // the names of its most used skills, as many as have room
      const limit = Math.max(2 * entry.r, 110);
      while (rows[0].includes(", ") && width(rows[0], font) > limit) rows = [rows[0].slice(0, rows[0].lastIndexOf(", "))];
    }
    return { rows, font, size, bold, w: wide(rows), h: high(rows) };
  }

  /* Where a name may stand, best first: [x, y] of its middle. */
  function places(entry, w, h) {
    const { x, y, r } = entry, half = entry.h;
    if (entry.rank === 6) return [[Math.max(x + r - w / 2, w / 2 + GAP), y]]; // beside its row, at the right end of its room
    if (entry.rank === 1 && fits(entry, w, h)) return [[x, y]];
    if (entry.island) return [[x, y - r - h / 2 - 3], [x, y + r + h / 2 + 3], [x, y - r + h / 2 + 3]];
    const side = r + w / 2 + 3, above = half + h / 2 + 1, near = [
      [x + side, y], [x - side, y], [x, y + above], [x, y - above],
      [x + 0.75 * r + w / 2 + 2, y - 0.75 * half - h / 2], [x + 0.75 * r + w / 2 + 2, y + 0.75 * half + h / 2],
      [x - 0.75 * r - w / 2 - 2, y - 0.75 * half - h / 2], [x - 0.75 * r - w / 2 - 2, y + 0.75 * half + h / 2],
    ];
    if (r > 5 || entry.rank) {
      for (const away of [12, 26, 44, 64]) {
        for (let i = 0; i < 12; i += 1) {
          const angle = (i * Math.PI) / 6;
          near.push([x + Math.cos(angle) * (side + away - 2), y + Math.sin(angle) * (above + away)]);
        }
      }
    }
    return near;
  }

  /* The lines of a picture that has few, for names to keep off where they can. */
  function strokes(cy, view) {
    const edges = cy.edges();
    if (edges.length > LINES) return [];
    const at = (node) => { const p = node.position(); return [view.x + view.zoom * p.x, view.y + view.zoom * p.y]; };
    return edges.filter((edge) => edge.visible() && !cy.veiled(edge)).map((edge) => {
      const [x1, y1] = at(edge.source()), [x2, y2] = at(edge.target());
      return { x1, y1, x2, y2 };
    });
  }

  /* Whether a line meets a box: Liang and Barsky's clipping leaves something of it. */
  function meets(line, box) {
    const dx = line.x2 - line.x1, dy = line.y2 - line.y1;
    let from = 0, to = 1;
    for (const [p, q] of [[-dx, line.x1 - box.x1], [dx, box.x2 - line.x1], [-dy, line.y1 - box.y1], [dy, box.y2 - line.y1]]) {
      if (p === 0 && q < 0) return false;
      if (p < 0) from = Math.max(from, q / p);
      if (p > 0) to = Math.min(to, q / p);
    }
    return from <= to;
  }

  /* Names with their places on a stage of w × h. `taken` are boxes that nothing may lie under. */
  function place(cy, view, taken) {
    const room = new Room(), found = candidates(cy, view), lined = strokes(cy, view), placed = [];
    (taken || []).forEach((box) => room.put(box));
    found.forEach((entry) => {
      if (entry.own) { // a box with its own name
        const box = entry.node.boundingBox({ includeLabels: true, includeOverlays: false });
        room.put({ x1: view.x + view.zoom * box.x1, x2: view.x + view.zoom * box.x2, y1: view.y + view.zoom * box.y1, y2: view.y + view.zoom * box.y2 });
      } else if (!entry.island && entry.rank !== 6 && entry.r > 0.8) {
        room.put({ x: entry.x, y: entry.y, r: entry.r + 0.5, x1: entry.x - entry.r, x2: entry.x + entry.r, y1: entry.y - entry.r, y2: entry.y + entry.r, of: entry.node });
      }
    });
    const most = Math.max(12, (view.w * view.h) / 3600);
    const named = found.filter((entry) => entry.text && (entry.r > 1.2 || entry.rank)).sort((a, b) => b.rank - a.rank || b.weight - a.weight);
    for (const entry of named.slice(0, TRIED)) {
      if (placed.length >= most) break;
      const look = lines(entry, view), options = places(entry, look.w, look.h);
      const box = ([x, y]) => ({ x1: x - look.w / 2 - GAP, x2: x + look.w / 2 + GAP, y1: y - look.h / 2, y2: y + look.h / 2, of: entry.node });
      const inside = (b) => b.x1 >= 0 && b.y1 >= 0 && b.x2 <= view.w && b.y2 <= view.h;
      const free = (option) => { const b = box(option); return inside(b) && !room.meets(b, entry.node); };
      const clear = (option) => free(option) && !lined.some((line) => meets(line, box(option)));
      let at = (lined.length && options.find(clear)) || options.find(free);
      if (!at && entry.rank >= 4) at = options.find((option) => inside(box(option))); // what was asked for is named in any case
      if (!at) continue;
      const b = box(at);
      room.put(b);
      placed.push({ ...entry, ...look, at, box: b, far: !entry.island && Math.hypot(Math.max(0, Math.abs(at[0] - entry.x) - look.w / 2 - entry.r), Math.max(0, Math.abs(at[1] - entry.y) - look.h / 2 - entry.h)) > 8 });
    }
    return placed;
  }

  const ink = (node, property) => `rgb(${node.pstyle(property).value.join(",")})`;

  function draw(context, placed, scale, dx, dy) {
    context.textBaseline = "middle";
    context.textAlign = "center";
    context.lineJoin = "round";
    for (const name of placed) {
      if (name.far) { // a line leads to what it names
        const b = name.box, x = Math.min(Math.max(name.x, b.x1), b.x2), y = Math.min(Math.max(name.y, b.y1), b.y2);
        const d = Math.hypot(name.x - x, name.y - y) || 1;
        context.strokeStyle = ink(name.node, "color");
        context.globalAlpha = 0.55;
        context.lineWidth = scale;
        context.beginPath();
        context.moveTo(dx + scale * x, dy + scale * y);
        context.lineTo(dx + scale * (name.x - ((name.x - x) * name.r) / d), dy + scale * (name.y - ((name.y - y) * name.r) / d));
        context.stroke();
        context.globalAlpha = 1;
      }
      context.font = name.font.replace(`${name.size}px`, `${name.size * scale}px`);
      context.strokeStyle = ink(name.node, "text-outline-color");
      context.fillStyle = ink(name.node, "color");
      context.lineWidth = 3.2 * scale;
      name.rows.forEach((row, i) => {
        const x = dx + scale * name.at[0], y = dy + scale * (name.at[1] + (i - (name.rows.length - 1) / 2) * name.size * 1.22);
        context.strokeText(isolated(row), x, y);
        context.fillText(isolated(row), x, y);
      });
    }
  }

  /* What lies on the stage: the buttons. */
  function covered(cy) {
    const stage = cy.container().closest(".graph-stage, .stage, .canvas-box") || cy.container().parentElement.parentElement;
    if (!stage) return [];
    const origin = cy.container().getBoundingClientRect();
    return [...stage.querySelectorAll(".zoom")].filter((e) => e.offsetWidth).map((e) => {
      const box = e.getBoundingClientRect();
      return { x1: box.left - origin.left - 4, x2: box.right - origin.left + 4, y1: box.top - origin.top - 4, y2: box.bottom - origin.top + 4 };
    });
  }

  function refresh(cy, layer) {
    if (cy.destroyed() || !cy.container()) return;
    const w = cy.width(), h = cy.height(), ratio = window.devicePixelRatio || 1;
    if (!w || !h) return;
    const { canvas } = layer, pan = cy.pan();
    layer.view = { zoom: cy.zoom(), x: pan.x, y: pan.y, w, h };
    layer.placed = place(cy, layer.view, covered(cy));
    if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio);
    if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    draw(context, layer.placed, ratio, 0, 0);
    canvas.style.transform = "";
    canvas.style.visibility = "";
    cy.emit("names");
  }

  function follow(cy, layer) {
    const { view } = layer;
    if (!view) return;
    const pan = cy.pan(), scale = cy.zoom() / view.zoom;
    layer.canvas.style.transform = scale === 1 && pan.x === view.x && pan.y === view.y ? ""
      : `translate(${pan.x - scale * view.x}px, ${pan.y - scale * view.y}px) scale(${scale})`;
  }

  /* The whole graph in a picture: names for the size at which it is seen now. */
  function whole(cy, box) {
    const zoom = cy.zoom(), view = { zoom, x: -zoom * box.x1, y: -zoom * box.y1, w: zoom * box.w, h: zoom * box.h };
    return { zoom, placed: place(cy, view, []) };
  }

  function exports(cy) {
    const renderer = cy.renderer(), plain = renderer.bufferCanvasImage;
    renderer.bufferCanvasImage = function withNames(options) {
      const canvas = plain.call(this, options), context = canvas.getContext("2d");
      if (options.full) {
        const box = cy.mutableElements().boundingBox(), { zoom, placed } = whole(cy, box);
        context.setTransform(1, 0, 0, 1, 0, 0);
        draw(context, placed, canvas.width / box.w / zoom, 0, 0);
      }
      return canvas;
    };
    cy.namesForExport = () => {
      const box = cy.elements(":visible").boundingBox(), { zoom, placed } = whole(cy, box);
      return placed.flatMap((name) => name.rows.map((row, i) => ({
        text: row, size: name.size / zoom, weight: name.bold ? 600 : 500, anchor: "middle", opacity: 1, width: 1.6 / zoom,
        x: box.x1 + name.at[0] / zoom, y: box.y1 + (name.at[1] + (i - (name.rows.length - 1) / 2) * name.size * 1.22) / zoom,
        left: box.x1 + name.box.x1 / zoom, right: box.x1 + name.box.x2 / zoom, top: box.y1 + name.box.y1 / zoom, bottom: box.y1 + name.box.y2 / zoom,
        ink: ink(name.node, "color"), halo: ink(name.node, "text-outline-color"),
      })));
    };
  }

  function attach(cy) {
    if (layers.has(cy) || !cy.container()) return;
    const canvas = document.createElement("canvas");
    canvas.className = "names";
    canvas.setAttribute("aria-hidden", "true");
    cy.container().appendChild(canvas);
    const layer = { canvas, placed: [], view: null, timer: 0 };
    layers.set(cy, layer);
    let changed = 0, frame = 0; // from a change to its picture: where that is slow, a pause between two is no rest
    const soon = () => {
      changed = changed || performance.now();
      window.clearTimeout(layer.timer);
      layer.timer = window.setTimeout(() => refresh(cy, layer), Math.max(REST, 2.5 * frame));
    };
    cy.on("render", () => {
      const took = changed ? performance.now() - changed : 0;
      frame = took < 2000 ? took : 0;
      changed = 0;
      follow(cy, layer);
    });
    cy.on("add remove data position style viewport resize", soon);
    cy.on("add remove", "node", () => { canvas.style.visibility = "hidden"; }); // names go with their picture
    cy.on("destroy", () => { window.clearTimeout(layer.timer); canvas.remove(); });
    exports(cy);
    if (document.fonts && document.fonts.ready) document.fonts.ready.then(() => { widths.clear(); soon(); });
    soon();
  }

  /* Names that are shown, as boxes on the stage, and the discs that are there: for tests. */
  function shown(cy) {
    const layer = layers.get(cy);
    if (!layer || !layer.view) return null;
    const discs = candidates(cy, layer.view).filter((entry) => !entry.island && !entry.own);
    return {
      names: layer.placed.map(({ text, rows, box, rank: importance, node }) => ({ text, rows, importance, id: node.id(), ...box, of: undefined })),
      discs: discs.map(({ x, y, r, node }) => ({ x, y, r, id: node.id() })),
    };
  }

  window.sgLabels = { attach, shown };
})();
