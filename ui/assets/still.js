/* Draws the tags that no callback changes; see ui/still.py. */
(function () {
  "use strict";

  function Still({ tree, children }) {
    const { createElement, Fragment } = window.React, inside = [].concat(children);
    const draw = (node) => {
      if (!node || typeof node !== "object") return node;
      if (!Array.isArray(node)) return inside[node.child];
      const [tag, attributes, ...held] = node;
      return createElement(tag || Fragment, attributes, ...held.map(draw));
    };
    return draw(tree);
  }

  Object.defineProperty(window.skillgraph, "Still", { value: Still });
})();
