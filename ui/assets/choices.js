/* Choices that the server finds while one types. A Select tells the page of a pick some milliseconds later, and
   forgets it if new options come in between: so options wait until no key was pressed and nothing clicked. An option
   that the arrow keys have marked is known by its place, so new ones also wait until none is marked. */
(function () {
  "use strict";
  const CALM = 120; // milliseconds
  let last = -CALM;
  for (const kind of ["keydown", "pointerdown", "click"]) {
    window.addEventListener(kind, () => { last = performance.now(); }, true);
  }

  const marked = () => document.querySelector("[data-combobox-selected]") !== null;
  const handed = (options) => (Array.isArray(options) ? options : window.dash_clientside.no_update);

  const waiting = new Map(); // of each field, the choices that wait for its mark to go

  function handOver(found) {
    const field = window.dash_clientside.callback_context.outputs_list.id, name = JSON.stringify(field);
    waiting.delete(name);
    return new Promise((done) => {
      const look = () => {
        const left = last + CALM - performance.now();
        if (left > 0) { window.setTimeout(look, left); return; }
        if (!marked()) { done(handed(found)); return; }
        waiting.set(name, found);
        done(window.dash_clientside.no_update); // the page is at rest meanwhile
        const later = () => {
          if (waiting.get(name) !== found) return;
          if (marked() || last + CALM > performance.now()) { window.setTimeout(later, CALM); return; }
          waiting.delete(name);
          if (Array.isArray(found)) window.dash_clientside.set_props(field, { data: found });
        };
        window.setTimeout(later, CALM);
      };
      look();
    });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgChoices: { handOver } });
})();
