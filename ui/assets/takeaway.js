/* Take away what a page shows: its address, tables as CSV, graphs and figures as SVG, PNG and PDF with title and caption. */
(function () {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";
  const FONT = "Inter, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
  const seen = (element) => element.checkVisibility && element.checkVisibility();

  function make(tag, props, ...children) {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children);
    return element;
  }

  const heading = (element) => {
    const card = element.closest(".card"), title = card && card.querySelector(".card-title, h2");
    return (title || document.querySelector("#page h1")).textContent.trim();
  };
  const caption = (element) => {
    const card = element.closest(".card"), all = card ? [...card.querySelectorAll(".graph-caption, .sentence")].filter(seen) : [];
    const said = all.find((line) => line.classList.contains("graph-caption")) || all[0];
    return said ? said.innerText.replace(/\s+/g, " ").trim() : "";
  };
  const subject = () => {
    const found = document.getElementById("subject");
    return found ? [found.dataset.dataset, found.dataset.layer].filter(Boolean) : [];
  };
  const filename = (title, kind) => [...subject(), title].join("-").replace(/[^\p{L}\p{N}.\-]+/gu, "-").slice(0, 120).toLowerCase() + `.${kind}`;

  function save(name, content, type) {
    const link = make("a", { href: URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type })), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /* ---------- tables ---------- */

  /* A cell that a spreadsheet would run gets an apostrophe before it, as loaders/spreadsheet.py has it. */
  const RISKY = /^'*[=+\-@\t\r\n＝＋－＠]/, NUMBER = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/;
  function cell(value) {
    let text = value === null || value === undefined ? "" : Array.isArray(value) ? value.join("; ") : String(value);
    if (typeof value !== "number" && RISKY.test(text) && !NUMBER.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  const csv = (rows) => rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";

  async function ofGrid(id) {
    const api = await window.dash_ag_grid.getApiAsync(id);
    const columns = api.getAllDisplayedColumns().filter((column) => column.getColDef().field);
    const rows = [columns.map((column) => column.getColDef().headerName || column.getColDef().field)];
    api.forEachNodeAfterFilterAndSort((node) => {
      if (node.data) rows.push(columns.map((column) => node.data[column.getColDef().field]));
    });
    return csv(rows);
  }
  const ofTable = (table) => csv(Array.from(table.rows).map((row) => Array.from(row.cells).map((c) => c.innerText.trim())));

  /* ---------- pictures ---------- */

  function element(tag, attributes, text) {
    const made = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function lines(text, most) {
    const found = [""];
    for (const word of text.split(" ")) {
      const last = found[found.length - 1];
      if (last && last.length + word.length + 1 > most) found.push(word);
      else found[found.length - 1] = last ? `${last} ${word}` : word;
    }
    return found;
  }

  /* Label and colour of what a legend lists. */
  function keysOf(place) {
    const found = [];
    for (const box of [place.closest(".card"), place.closest(".graph-body")]) { // inside the card, or beside it
      for (const item of box ? box.querySelectorAll(".legend-item:not(.legend-off), .keys > span") : []) {
        const dot = item.querySelector(".swatch, .dot, .shape");
        if (!dot || !seen(item)) continue;
        const label = Array.from(item.childNodes).filter((node) => node !== dot && !(node.classList && node.classList.contains("count")))
          .map((node) => node.textContent).join("").trim();
        found.push([label, getComputedStyle(dot).backgroundColor]);
      }
      if (found.length) break;
    }
    return found.slice(0, 14);
  }

  /* A drawing with its title above, its legend and caption below; text stays text, and viewBox lets it be scaled. */
  function framed(inner, { title, said, keys, dark }) {
    const drawn = new DOMParser().parseFromString(inner, "image/svg+xml").documentElement;
    const box = (drawn.getAttribute("viewBox") || `0 0 ${parseFloat(drawn.getAttribute("width"))} ${parseFloat(drawn.getAttribute("height"))}`).split(/[ ,]+/).map(Number);
    const scale = Math.min(1, 1600 / box[2]), width = Math.max(box[2] * scale, 360), height = box[3] * scale, pad = 18;
    const ink = dark ? "#E8ECF1" : "#17202A", quiet = dark ? "#B4BEC9" : "#4A5663";
    const rows = [];
    let x = 0, y = 0;
    for (const [label, colour] of keys) {
      const wide = 20 + label.length * 6.6;
      if (x && x + wide > width) { x = 0; y += 20; }
      rows.push([x, y, label, colour]);
      x += wide + 14;
    }
    const legend = keys.length ? y + 28 : 0, text = said ? lines(said, Math.max(Math.floor(width / 6.3), 40)) : [];
    const total = [width + 2 * pad, pad + 28 + height + 10 + legend + text.length * 17 + pad];
    const root = element("svg", { xmlns: NS, viewBox: `0 0 ${total[0].toFixed(1)} ${total[1].toFixed(1)}`, width: total[0].toFixed(0), height: total[1].toFixed(0), "font-family": FONT, role: "img" });
    root.append(element("title", {}, title));
    if (said) root.append(element("desc", {}, said));
    root.append(element("rect", { width: "100%", height: "100%", fill: dark ? "#161B22" : "#FFFFFF" }));
    root.append(element("text", { x: pad, y: pad + 14, "font-size": 17, "font-weight": 650, fill: ink }, title));
    drawn.setAttribute("x", pad + (width - box[2] * scale) / 2);
    drawn.setAttribute("y", pad + 28);
    drawn.setAttribute("width", box[2] * scale);
    drawn.setAttribute("height", height);
    drawn.setAttribute("viewBox", box.join(" "));
    root.append(root.ownerDocument.adoptNode(drawn));
    const below = pad + 28 + height + 10;
    for (const [kx, ky, label, colour] of rows) {
      root.append(element("circle", { cx: pad + kx + 5, cy: below + ky + 9, r: 5, fill: colour }));
      root.append(element("text", { x: pad + kx + 15, y: below + ky + 13, "font-size": 12, fill: ink }, label));
    }
    text.forEach((line, i) => root.append(element("text", { x: pad, y: below + legend + 13 + 17 * i, "font-size": 12.5, fill: quiet }, line)));
    return { text: `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}`, width: total[0], height: total[1], title, said };
  }

  /* A picture is to go into a mail: at most a megabyte, with 256 colours if all of them are more, then smaller. */
  const MOST = 1e6;
  async function toPng({ text, width, height }) {
    const image = new Image();
    await new Promise((done, failed) => {
      image.onload = done;
      image.onerror = failed;
      image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    });
    let scale = Math.min(2, 8000 / Math.max(width, height)), made;
    for (let tries = 0; tries < 5; tries++) {
      const canvas = make("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
      const pen = canvas.getContext("2d", { willReadFrequently: true });
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      made = await new Promise((done) => canvas.toBlob(done, "image/png"));
      if (made.size <= MOST) break;
      made = await indexed(pen.getImageData(0, 0, canvas.width, canvas.height), made);
      if (made.size <= MOST) break;
      scale *= 0.97 * Math.sqrt(MOST / made.size);
    }
    URL.revokeObjectURL(image.src);
    return made;
  }

  /* PNG with a palette of 256 colours, by median cut over colours of five bits a channel; `otherwise` where the
     browser cannot compress. */
  async function indexed({ data, width, height }, otherwise) {
    if (!window.CompressionStream) return otherwise;
    const counts = new Uint32Array(32768), at = (i) => ((data[i] >> 3) << 10) | ((data[i + 1] >> 3) << 5) | (data[i + 2] >> 3);
    const sums = [0, 1, 2].map(() => new Float64Array(32768));
    for (let i = 0; i < data.length; i += 4) {
      const bin = at(i);
      counts[bin]++;
      for (let c = 0; c < 3; c++) sums[c][bin] += data[i + c];
    }
    const channel = (bin, c) => (bin >> (10 - 5 * c)) & 31;
    const boxOf = (bins) => {
      const ends = [0, 1, 2].map((c) => bins.reduce(([low, high], bin) => [Math.min(low, channel(bin, c)), Math.max(high, channel(bin, c))], [31, 0]));
      const widths = ends.map(([low, high]) => high - low), axis = widths.indexOf(Math.max(...widths));
      // wide boxes with many pixels are cut first; the root keeps rare colours
      return { bins, axis, worth: widths[axis] * Math.sqrt(bins.reduce((n, bin) => n + counts[bin], 0)) };
    };
    const boxes = [boxOf([...counts.keys()].filter((bin) => counts[bin]))];
    while (boxes.length < 256) {
      const widest = boxes.reduce((best, box, i) => (box.worth > boxes[best].worth ? i : best), 0), { bins, axis, worth } = boxes[widest];
      if (!worth) break;
      bins.sort((a, b) => channel(a, axis) - channel(b, axis));
      const half = bins.reduce((n, bin) => n + counts[bin], 0) / 2;
      let cut = 0, seen = 0;
      while (cut < bins.length - 1 && seen < half) seen += counts[bins[cut++]];
      while (cut < bins.length - 1 && channel(bins[cut], axis) === channel(bins[cut - 1], axis)) cut++;
      if (channel(bins[cut], axis) === channel(bins[cut - 1], axis)) while (channel(bins[cut], axis) === channel(bins[cut - 1], axis)) cut--;
      boxes.splice(widest, 1, boxOf(bins.slice(0, cut)), boxOf(bins.slice(cut)));
    }
    const place = new Uint8Array(32768), palette = new Uint8Array(3 * boxes.length);
    boxes.forEach(({ bins }, i) => {
      const n = bins.reduce((sum, bin) => sum + counts[bin], 0);
      for (let c = 0; c < 3; c++) palette[3 * i + c] = Math.round(bins.reduce((sum, bin) => sum + sums[c][bin], 0) / n);
      for (const bin of bins) place[bin] = i;
    });
    const rows = new Uint8Array((width + 1) * height); // each row begins with its filter, none
    for (let y = 0, i = 0; y < height; y++) for (let x = 0, to = y * (width + 1) + 1; x < width; x++, i += 4) rows[to + x] = place[at(i)];
    const packed = new Uint8Array(await new Response(new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer());
    const header = new DataView(new ArrayBuffer(13));
    header.setUint32(0, width);
    header.setUint32(4, height);
    header.setUint8(8, 8);
    header.setUint8(9, 3);
    const parts = [chunk("IHDR", new Uint8Array(header.buffer)), chunk("PLTE", palette), chunk("IDAT", packed), chunk("IEND", new Uint8Array())];
    return new Blob([new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]), ...parts], { type: "image/png" });
  }

  function chunk(kind, body) {
    const made = new Uint8Array(body.length + 12), view = new DataView(made.buffer);
    view.setUint32(0, body.length);
    made.set(new TextEncoder().encode(kind), 4);
    made.set(body, 8);
    let sum = -1;
    for (let i = 4; i < made.length - 4; i++) {
      sum ^= made[i];
      for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
    }
    view.setUint32(made.length - 4, ~sum >>> 0);
    return made;
  }

  /* The library that writes PDF is fetched when the first one is asked for. */
  async function toPdf(made) {
    if (!window.sgPdf) {
      await new Promise((done, failed) => {
        const tag = make("script", { src: "/assets/vendor/pdf.js", onload: done, onerror: () => failed(new Error("the library for PDF was not loaded")) });
        document.head.append(tag);
      });
    }
    return window.sgPdf(made);
  }

  async function picture(place, kind, name) {
    const dark = document.documentElement.dataset.scheme === "dark";
    const plot = place.querySelector(".js-plotly-plot"), id = plot ? null : (place.firstElementChild || place).id;
    let inner;
    if (plot) inner = decodeURIComponent((await window.Plotly.toImage(plot, { format: "svg", width: plot.offsetWidth, height: plot.offsetHeight })).replace(/^data:image\/svg\+xml,/, ""));
    else inner = document.getElementById(id)._cyreg.cy.svg({});
    const about = subject().map(window.sgTools.isolated).join(" · "), title = heading(place);
    const made = framed(inner, { title: about ? `${title}: ${about}` : title, said: caption(place), keys: plot ? [] : keysOf(place), dark });
    if (kind === "svg") save(name, made.text, "image/svg+xml");
    else if (kind === "pdf") save(name, await toPdf(made));
    else save(name, await toPng(made));
  }

  /* ---------- the menu ---------- */

  const canvases = () => Array.from(document.querySelectorAll("#page .canvas")).filter((place) => {
    const inner = place.firstElementChild, cy = inner && inner._cyreg && inner._cyreg.cy;
    return seen(place) && cy && !cy.destroyed() && cy.nodes().length;
  });

  function items() {
    const found = [];
    const each = (name, act) => ["svg", "png", "pdf"].forEach((kind) => found.push([`${name} (${kind.toUpperCase()})`, () => act(kind)]));
    for (const place of canvases()) {
      const title = heading(place);
      each(title, (kind) => picture(place, kind, filename(title, kind)));
    }
    for (const place of document.querySelectorAll("#page .figure")) {
      const plot = place.querySelector(".js-plotly-plot");
      if (!seen(place) || !plot || !plot.data || !plot.data.length) continue;
      const title = heading(place);
      each(title, (kind) => picture(place, kind, filename(title, kind)));
    }
    for (const grid of document.querySelectorAll("#page .grid")) {
      if (!seen(grid) || !grid.id) continue;
      const title = heading(grid), id = grid.id.startsWith("{") ? JSON.parse(grid.id) : grid.id;
      found.push([`${title} (CSV)`, async () => save(filename(title, "csv"), await ofGrid(id), "text/csv")]);
    }
    for (const table of document.querySelectorAll("#page table.table")) {
      if (!seen(table) || table.rows.length < 2) continue;
      const title = heading(table);
      found.push([`${title} (CSV)`, async () => save(filename(title, "csv"), ofTable(table), "text/csv")]);
    }
    return found;
  }

  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches || !menu.matches("details.take") || !menu.open) return;
    const box = menu.querySelector(".take-items");
    box.replaceChildren();
    for (const [text, act] of items()) {
      const button = make("button", { className: "item", textContent: text, type: "button" });
      button.addEventListener("click", async () => {
        button.disabled = true;
        try { await act(); menu.open = false; } catch (error) { button.textContent = `${text}: not possible`; console.warn(error); }
        button.disabled = false;
      });
      box.append(button);
    }
  }, true);

  window.sgTake = { picture, csv };
})();
