/* The compression page. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const address = (state) => window.dash_clientside.sg.address(state);

  function codeState(text, receiver, model, erasure) {
    address({ text, receiver, model: model === "frequency" ? null : model, erasure: erasure === 0.1 ? null : erasure });
    return no();
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgCompression: { codeState } });
})();
