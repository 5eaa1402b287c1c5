/* A picture in SVG as a PDF of one page: lines stay lines, and text stays text. */
import { jsPDF } from "jspdf";
import { svg2pdf } from "svg2pdf.js";
import font from "dejavu-fonts-ttf/ttf/DejaVuSans.ttf";

const NS = "http://www.w3.org/2000/svg";
const FONT = "DejaVuSans";
const LATIN = /^[\x20-\x7e\xa0-\xff]*$/; // what every reader of PDF has a font for
const JOINED = /[\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ufb1d-\ufdff\ufe70-\ufefc]/; // written from right to left, or with letters that change beside others

function element(tag, attributes) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const brush = document.createElement("canvas").getContext("2d");

/* Where a line of text is: its own style, with what it has from around it. */
function measured(text) {
  const style = (name) => {
    for (let at = text; at && at.getAttribute; at = at.parentNode) {
      const value = (at.style && at.style.getPropertyValue(name)) || at.getAttribute(name);
      if (value) return value;
    }
    return "";
  };
  const size = parseFloat(style("font-size")) || 12, bold = parseInt(style("font-weight"), 10) >= 600 || style("font-weight") === "bold";
  brush.font = `${bold ? 700 : 400} ${size}px Inter, "Segoe UI", Roboto, Helvetica, Arial, sans-serif`;
  const width = brush.measureText(text.textContent).width, anchor = style("text-anchor");
  const x = parseFloat(text.getAttribute("x")) || 0, y = parseFloat(text.getAttribute("y")) || 0;
  return { size, bold, width, y, left: anchor === "middle" ? x - width / 2 : anchor === "end" ? x - width : x, font: brush.font, fill: style("fill") || "black" };
}

/* A name that no font here can write, as the browser writes it. */
function painted(text, { size, width, left, y, font: family, fill }) {
  const scale = 4, canvas = document.createElement("canvas");
  canvas.width = Math.max(Math.ceil((width + 2) * scale), 1);
  canvas.height = Math.ceil(size * 1.5 * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.font = family;
  context.fillStyle = fill;
  context.textBaseline = "alphabetic";
  context.fillText(text.textContent, 1, size * 1.1);
  return element("image", { x: left - 1, y: y - size * 1.1, width: canvas.width / scale, height: canvas.height / scale, href: canvas.toDataURL("image/png") });
}

function prepare(root, known) {
  for (const text of Array.from(root.querySelectorAll("text"))) {
    if (!text.textContent.trim()) { text.remove(); continue; }
    const plain = !text.firstElementChild, content = text.textContent;
    if ((text.getAttribute("dominant-baseline") || "") === "central") {
      text.removeAttribute("dominant-baseline");
      text.setAttribute("y", (parseFloat(text.getAttribute("y")) || 0) + 0.35 * (parseFloat(text.getAttribute("font-size")) || 12));
    }
    const at = measured(text);
    if (plain && text.getAttribute("paint-order") === "stroke" && text.getAttribute("stroke")) {
      // an outline would lie on the letters: a soft ground stands for it
      const ground = element("rect", { x: at.left - 1, y: at.y - 0.85 * at.size, width: at.width + 2, height: 1.1 * at.size, rx: 2, fill: text.getAttribute("stroke"), "fill-opacity": 0.7 });
      text.parentNode.insertBefore(ground, text);
    }
    ["stroke", "stroke-width", "paint-order"].forEach((name) => { text.removeAttribute(name); text.style.removeProperty(name); });
    const latin = LATIN.test(content);
    if (!latin && plain && (JOINED.test(content) || Array.from(content).some((c) => !known(c.codePointAt(0))))) {
      text.replaceWith(painted(text, at));
      continue;
    }
    for (const part of [text, ...text.querySelectorAll("tspan")]) {
      part.style.removeProperty("font-family");
      part.style.removeProperty("font-weight");
      part.setAttribute("font-family", latin ? "helvetica" : FONT);
      part.setAttribute("font-weight", at.bold && latin ? "bold" : "normal");
    }
  }
}

/* `text` is the SVG, `width` and `height` its size in pixels, `title` what the document is called. */
window.sgPdf = async ({ text, width, height, title, said }) => {
  const pdf = new jsPDF({ unit: "px", hotfixes: ["px_scaling"], format: [width, height], orientation: width > height ? "landscape" : "portrait", compress: true, putOnlyUsedFonts: true });
  pdf.setDocumentProperties({ title, subject: said || "" });
  pdf.addFileToVFS("names.ttf", font);
  pdf.addFont("names.ttf", FONT, "normal");
  pdf.setFont(FONT, "normal");
  const codes = pdf.getFont().metadata.cmap.unicode.codeMap;
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  prepare(root, (code) => Boolean(codes[code]));
  await svg2pdf(root, pdf, { x: 0, y: 0, width, height });
  return pdf.output("blob");
};
