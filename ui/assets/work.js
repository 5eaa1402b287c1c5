/* What the browser does for runs and queries: it asks, and asks again until there is an answer. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  /* A name that nobody guesses: who knows it sees the work and may cancel it. */
  function ticket() {
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  }

  /* The next question is asked when the last one has been answered, so a slow server is not asked twice. */
  const pulse = (name, place, pause) => (state) => {
    if (state && state.running) {
      window.setTimeout(() => {
        if (document.getElementById(place)) set(name, { data: Date.now() });
      }, pause);
    }
    return no();
  };

  window.sgWork = { ticket, pulse };
})();
