/* The drawn graph as SVG: straight lines, shapes and names, as they are on the canvas. */
import { FAINT } from "./veil.js";

const NS = "http://www.w3.org/2000/svg";
const round = (value) => Math.round(value * 100) / 100;

function element(tag, attributes, text) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== "") made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text; // names are text, never markup
  return made;
}

const number = (node, property) => parseFloat(node.pstyle(property).pfValue ?? node.pstyle(property).value) || 0;
const alpha = (element) => round(number(element, "opacity") * (element.cy().veiled(element) ? FAINT : 1));
const colour = (node, property) => `rgb(${node.pstyle(property).value.join(",")})`;

function outline(node) {
  const { x, y } = node.position(), w = node.width(), h = node.height();
  switch (node.pstyle("shape").value) {
    case "rectangle": case "round-rectangle": {
      const rx = node.pstyle("shape").value === "rectangle" ? undefined : Math.min(8, w / 4, h / 4);
      return ["rect", { x: round(x - w / 2), y: round(y - h / 2), width: round(w), height: round(h), rx }];
    }
    case "triangle": return ["polygon", { points: [[x, y - h / 2], [x + w / 2, y + h / 2], [x - w / 2, y + h / 2]].map((p) => p.map(round).join()).join(" ") }];
    case "diamond": return ["polygon", { points: [[x, y - h / 2], [x + w / 2, y], [x, y + h / 2], [x - w / 2, y]].map((p) => p.map(round).join()).join(" ") }];
    default: return ["ellipse", { cx: round(x), cy: round(y), rx: round(w / 2), ry: round(h / 2) }];
  }
}

function shape(node) {
  const border = number(node, "border-width"), [tag, place] = outline(node);
  return element(tag, {
    ...place, fill: colour(node, "background-color"), "fill-opacity": round(number(node, "background-opacity")), opacity: alpha(node),
    ...(border ? { stroke: colour(node, "border-color"), "stroke-width": round(border), "stroke-opacity": round(number(node, "border-opacity")),
      "stroke-dasharray": node.pstyle("border-style").value === "dashed" ? "4 3" : undefined } : {}),
  });
}

function line(edge) {
  const from = edge.sourceEndpoint(), to = edge.targetEndpoint();
  return element("line", {
    x1: round(from.x), y1: round(from.y), x2: round(to.x), y2: round(to.y),
    stroke: colour(edge, "line-color"), "stroke-width": round(number(edge, "width")), opacity: alpha(edge),
  });
}

/* A name that the stylesheet puts beside or into a node. */
function ownName(node) {
  const text = node.pstyle("label").strValue, opacity = number(node, "text-opacity") * number(node, "opacity");
  if (!text || !opacity || node.cy().veiled(node)) return null;
  const { x, y } = node.position(), w = node.width() / 2, h = node.height() / 2, size = number(node, "font-size");
  const across = node.pstyle("text-halign").value, along = node.pstyle("text-valign").value;
  return {
    text, size, opacity, weight: node.pstyle("font-weight").strValue,
    x: x + { left: -w, center: 0, right: w }[across] + number(node, "text-margin-x"),
    y: y + { top: -h - size / 2, center: 0, bottom: h + size / 2 }[along] + number(node, "text-margin-y"),
    anchor: { left: "end", center: "middle", right: "start" }[across],
    ink: colour(node, "color"), halo: colour(node, "text-outline-color"), width: number(node, "text-outline-width"),
  };
}

function name({ text, x, y, size, weight, anchor, ink, halo, width, opacity }) {
  return element("text", {
    x: round(x), y: round(y), "font-size": round(size), "font-weight": weight, "text-anchor": anchor, "dominant-baseline": "central",
    fill: ink, stroke: width ? halo : undefined, "stroke-width": width ? round(2 * width) : undefined, "stroke-linejoin": "round",
    "paint-order": "stroke", opacity: opacity === 1 ? undefined : opacity, style: "unicode-bidi: plaintext",
  }, text);
}

export default function register(cytoscape) {
  /* `options.bg` is the ground; names that a page places by itself come from `namesForExport`. */
  cytoscape("core", "svg", function svg(options) {
    const shown = this.elements(":visible"), pad = 12;
    const box = shown.boundingBox(), names = this.namesForExport ? this.namesForExport() : [];
    for (const { left, top, right, bottom } of names) {
      box.x1 = Math.min(box.x1, left); box.x2 = Math.max(box.x2, right);
      box.y1 = Math.min(box.y1, top); box.y2 = Math.max(box.y2, bottom);
    }
    const [x, y, w, h] = [box.x1 - pad, box.y1 - pad, box.x2 - box.x1 + 2 * pad, box.y2 - box.y1 + 2 * pad].map(round);
    const root = element("svg", { xmlns: NS, viewBox: `${x} ${y} ${w} ${h}`, width: w, height: h, "font-family": "Inter, Segoe UI, Roboto, Helvetica, Arial, sans-serif" });
    if (options && options.bg) root.append(element("rect", { x, y, width: w, height: h, fill: options.bg }));
    const order = (a, b) => number(a, "z-index") - number(b, "z-index");
    const nodes = shown.nodes().toArray().sort(order);
    root.append(...nodes.filter((node) => node.hasClass("island")).map(shape));
    root.append(...shown.edges().toArray().sort(order).map(line));
    root.append(...nodes.filter((node) => !node.hasClass("island")).map(shape));
    root.append(...nodes.map(ownName).filter(Boolean).map(name), ...names.map(name));
    return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}`;
  });
}
