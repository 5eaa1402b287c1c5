/* Who uses the keyboard stays where they were when a page is made anew, as it is when the store has changed. */
(function () {
  "use strict";
  const REACHED = "a[href], button, input, select, textarea, summary, [tabindex]";
  const page = () => document.getElementById("page");
  const here = () => document.activeElement && document.activeElement !== document.body;

  /* What an element is for; those that are for the same are told apart by their order. */
  const purpose = (element) => [element.tagName, element.getAttribute("aria-label") || (element.labels && element.labels.length ? element.labels[0].textContent : element.name || element.textContent)].join(" ");
  const alike = (wanted) => [...page().querySelectorAll(REACHED)].filter((element) => purpose(element) === wanted);

  /* Where the focus is; a page that is gone is not kept by it. */
  let held = null;
  const gone = (reference) => !reference.deref() || !reference.deref().isConnected;

  const watch = new MutationObserver(() => {
    if (!held || !page() || !gone(held.root)) return;
    if (here() || held.path !== window.location.pathname) { held = null; return; }
    const again = alike(held.wanted)[held.place];
    if (again) again.focus({ preventScroll: true }); // parts of a page come one after the other
  });

  document.addEventListener("focusin", ({ target }) => {
    watch.disconnect();
    held = null;
    const root = page() && page().firstElementChild;
    if (!root || !root.contains(target)) return;
    const wanted = purpose(target);
    held = { root: new WeakRef(root), element: new WeakRef(target), wanted, place: alike(wanted).indexOf(target), path: window.location.pathname };
    watch.observe(document.body, { childList: true, subtree: true });
  });

  // an element that is left is still there afterwards; one that is taken away loses the focus too
  document.addEventListener("focusout", () => window.setTimeout(() => {
    if (held && !here() && !gone(held.element)) held = null;
  }));
})();
