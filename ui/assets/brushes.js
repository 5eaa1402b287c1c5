/* Brushes: the bars of a histogram over the control that cuts it, on the graph page and over tables (ui/brushes.py). */
(function () {
  "use strict";
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const trackOf = (id) => document.querySelector(`.brush[data-control="${CSS.escape(id)}"]`);

  /* Bars outside their control's ends are pale; whether no bar is. */
  function pale() {
    let whole = true;
    for (const { id, value } of window.dash_clientside.callback_context.inputs_list) {
      const box = trackOf(id), [low, high] = Array.isArray(value) ? value : [Number(value) || 0, Infinity];
      const bars = box ? [...box.querySelectorAll("i")].map((bar) => [bar, Number(bar.dataset.first), Number(bar.dataset.last)]) : [];
      // an end that two bars share is no reason to keep both
      const touching = bars.length > 1 && bars[0][2] === bars[1][1] && low < high;
      for (const [bar, first, last] of bars) {
        bar.classList.toggle("out", last < low || first > high || (touching && (last === low || first === high)));
      }
      const ends = Array.isArray(value) && box && box.dataset.ends;
      if (ends && ends !== value.join("-")) whole = false;
    }
    return whole;
  }

  /* A stroke from one bar to another keeps what lies between; over the whole length it keeps everything. */
  let begun = null;
  const barAt = (event) => event.target.closest && event.target.closest(".brush > i");
  document.addEventListener("pointerdown", (event) => { begun = barAt(event); if (begun) event.preventDefault(); });
  document.addEventListener("pointerup", (event) => {
    const from = begun, to = barAt(event) || begun;
    begun = null;
    if (!from || from.parentNode !== to.parentNode) return;
    const numbers = [from, to].flatMap((bar) => [Number(bar.dataset.first), Number(bar.dataset.last)]);
    const low = Math.min(...numbers), box = from.parentNode;
    set(box.dataset.control, { value: box.dataset.ends ? [low, Math.max(...numbers)] : low });
  });

  /* The button beside a table's brushes. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest(".brush-clear");
    if (!button) return;
    button.closest(".brushes").querySelectorAll(".brush").forEach((box) => {
      set(box.dataset.control, { value: box.dataset.ends.split("-").map(Number) });
    });
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgBrush: { pale } });
})();
