/* The page of all runs: what a run is started with, and the steps of a plan one after another. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;

  function start(clicks, about, agreed, values, ids, flags, flagIds) {
    if (!clicks) return no();
    const form = { ...about, agreed: Boolean(agreed) };
    ids.forEach((id, i) => { form[id.name] = values[i]; });
    flagIds.forEach((id, i) => { form[id.name] = Boolean(flags[i]); });
    return window.sgWork.begun(form);
  }

  function step(now, elements, captions, id) {
    window.sgTools.whenReady(id, (cy) => {
      cy.batch(() => cy.elements().forEach((element) => {
        window.sgTools.wear(element, "off", element.data("at") > now);
        if (element.isNode()) window.sgTools.wear(element, "giant", element.data("at") === now);
      }));
      window.sgTools.settle(cy, 24);
    });
    return captions ? captions[now] || "" : "";
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgAllRuns: { start, step } });
})();
