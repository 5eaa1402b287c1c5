/* While the view moves, a canvas that takes long to draw is moved as it is, like the tiles of a map: the drawing takes a
   fifth of the time at most, and is made anew once the view rests. */
const SHARE = 5;
const FRAME = 17; // milliseconds between two frames
const MOST = 500; // milliseconds that a drawing is thought to take: a hidden page draws its next frame much later
const REST = 90; // milliseconds without a movement
const glides = new WeakMap();

/* Where the drawn canvas belongs in the present view. */
function shift(canvas, drawn, zoom, pan) {
  const scale = zoom / drawn.zoom;
  canvas.style.transformOrigin = "0 0";
  canvas.style.transform = `translate(${pan.x - scale * drawn.pan.x}px, ${pan.y - scale * drawn.pan.y}px) scale(${scale})`;
}

function glideOf(cy) {
  const renderer = cy.renderer(), { notify, render } = renderer, needed = renderer.data.canvasNeedsRedraw;
  const canvas = renderer.data.canvases[renderer.NODE];
  const glide = { drawn: null, cost: 0, at: 0, changed: true, rest: 0, held: 0, drawings: 0 };
  const there = () => glide.drawn.zoom === cy.zoom() && glide.drawn.pan.x === cy.pan().x && glide.drawn.pan.y === cy.pan().y;

  renderer.notify = function heard(event, elements) {
    if (event !== "viewport") glide.changed = true;
    return notify.call(this, event, elements);
  };
  renderer.render = function glided(options) {
    const other = options && (options.forcedContext || options.drawAllLayers), now = performance.now();
    if (other || !needed[renderer.NODE]) return render.call(this, options);
    const moved = !glide.changed && glide.drawn && !there();
    if (moved && now - glide.at < (SHARE - 1) * glide.cost) {
      needed[renderer.NODE] = false;
      shift(canvas, glide.drawn, cy.zoom(), cy.pan());
      render.call(this, options); // whatever is dragged or stands out
      needed[renderer.NODE] = true;
      glide.held += 1;
      clearTimeout(glide.rest);
      glide.rest = setTimeout(() => { glide.changed = true; if (!cy.destroyed()) renderer.redraw(); }, REST);
      return undefined;
    }
    clearTimeout(glide.rest);
    canvas.style.transform = "";
    const drawn = { zoom: cy.zoom(), pan: { ...cy.pan() } };
    const result = render.call(this, options);
    const at = performance.now();
    Object.assign(glide, { drawn, cost: at - now, at, changed: false, drawings: glide.drawings + 1 });
    // The browser fills the canvas after the script has ended: what delays the next frame is part of the cost.
    requestAnimationFrame((next) => { glide.cost = Math.min(Math.max(glide.cost, next - now - FRAME), MOST); });
    return result;
  };
  return glide;
}

export default function register(cytoscape) {
  /* Begin it; the counts of views that were moved (`held`) and drawn (`drawings`). */
  cytoscape("core", "glide", function glide() {
    if (!glides.has(this)) glides.set(this, glideOf(this));
    return glides.get(this);
  });
}
