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

  const handed = (options) => (Array.isArray(options) ? options : window.dash_clientside.no_update);

  function handOver(found) {
    return new Promise((done) => {
      const look = () => {
        const left = last + CALM - performance.now();
        if (left > 0) window.setTimeout(look, left);
        else if (document.querySelector("[data-combobox-selected]")) window.setTimeout(look, CALM);
        else done(handed(found));
      };
      look();
    });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgChoices: { handOver } });
})();
