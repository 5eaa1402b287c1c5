/* Some elements stand out: all others are seen as through a veil. Their canvas becomes faint as a whole, and what stands
   out is drawn again above it, so that thousands of elements need not be styled and drawn anew. */
const FAINT = 0.13;
const veils = new WeakMap();

const lifted = (veil, elements) => elements.filter((element) => veil.kept.has(element));

/* What stands out of all that is drawn; Cytoscape keeps the list of all until an element comes or goes. */
function above(veil, all) {
  if (veil.all !== all || veil.of !== veil.kept) Object.assign(veil, { all, of: veil.kept, above: lifted(veil, all) });
  return veil.above;
}

function draw(cy, veil) {
  const renderer = cy.renderer(), { canvas } = veil, base = renderer.data.canvases[renderer.NODE];
  const opacity = veil.kept ? String(FAINT) : "";
  if (base.style.opacity !== opacity) base.style.opacity = opacity;
  canvas.hidden = !veil.kept;
  if (!veil.kept || cy.destroyed()) return;
  for (const side of ["width", "height"]) {
    if (canvas[side] !== base[side]) canvas[side] = base[side];
    canvas.style[side] = base.style[side];
  }
  const context = canvas.getContext("2d"), ratio = renderer.getPixelRatio(), pan = cy.pan(), zoom = ratio * cy.zoom();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(zoom, 0, 0, zoom, ratio * pan.x, ratio * pan.y);
  const needed = renderer.data.canvasNeedsRedraw, stale = needed[renderer.NODE];
  renderer.drawCachedElements(context, above(veil, renderer.getCachedZSortedEles()), ratio, cy.extent());
  needed[renderer.NODE] = stale; // to measure what is drawn asks for all to be drawn
}

/* The canvas behind the veil is `plain` while it shows the elements as they look without one. */
function watches(renderer, veil) {
  const render = renderer.render, needed = renderer.data.canvasNeedsRedraw;
  renderer.render = function seen(options) {
    const all = options && (options.forcedContext || options.drawAllLayers);
    if (!all && needed[renderer.NODE]) veil.plain = !veil.kept;
    return render.call(this, options);
  };
}

/* Exported pictures have the veil too. */
function exports(renderer, veil) {
  const plain = renderer.drawElements;
  renderer.drawElements = function drawElements(context, elements) {
    if (!veil.kept) return plain.call(this, context, elements);
    const behind = document.createElement("canvas");
    Object.assign(behind, { width: context.canvas.width, height: context.canvas.height });
    const faint = behind.getContext("2d");
    faint.setTransform(context.getTransform());
    plain.call(this, faint, elements);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = FAINT;
    context.drawImage(behind, 0, 0);
    context.restore();
    return plain.call(this, context, lifted(veil, elements));
  };
}

function veilOf(cy) {
  if (veils.has(cy)) return veils.get(cy);
  const renderer = cy.renderer(), canvas = document.createElement("canvas"), veil = { canvas, kept: null, plain: false };
  canvas.dataset.id = "veil";
  Object.assign(canvas.style, { position: "absolute", zIndex: 1, pointerEvents: "none" }); // above the nodes, below what is dragged
  renderer.data.canvasContainer.append(canvas);
  veils.set(cy, veil);
  exports(renderer, veil);
  watches(renderer, veil);
  cy.on("render", () => draw(cy, veil));
  return veil;
}

export default function register(cytoscape) {
  /* `change` changes how elements look, in one batch, and gives those that stand out from all others; null lifts the
     veil. Where it changes none but those that stand out or did, the canvas behind may be left as it is (`behind`). */
  cytoscape("core", "veil", function veil(change, { behind = false } = {}) {
    const own = veilOf(this), renderer = this.renderer(), needed = renderer.data.canvasNeedsRedraw;
    const drawn = own.plain && !needed[renderer.NODE];
    this.batch(() => { own.kept = change(); });
    this.mutableElements().cleanStyle(); // now, not when they are drawn, so that no later change is taken for this one
    if (behind && drawn && own.kept) needed[renderer.NODE] = false;
    renderer.redraw({}); // draws no element anew that has not changed
    return this;
  });
  cytoscape("core", "veiled", function veiled(element) {
    const veil = veils.get(this);
    return Boolean(veil && veil.kept) && !veil.kept.has(element);
  });
}

export { FAINT };
