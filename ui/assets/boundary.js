/* An error in the browser is said, and the rest goes on; see ui/boundary.py. */
(function () {
  "use strict";
  const root = document.documentElement;

  const told = (error) => {
    const text = error && (error.message || (error.error && error.error.message) || String(error));
    return String(text || "an error without a name").split("\n")[0].slice(0, 300);
  };

  /* React may come after this script. */
  let made;
  function component() {
    const React = window.React, make = React.createElement;

    /* Dash puts its own boundary around each component; this one holds what those let through. */
    class Guard extends React.Component {
      constructor(props) { super(props); this.state = { error: null }; }
      static getDerivedStateFromError(error) { return { error }; }
      componentDidCatch(error) { this.props.onError(error); }
      render() { return this.state.error ? null : this.props.children; }
    }

    function Boundary(props) {
      const context = window.dash_component_api.useDashContext();
      const store = context.useStore();
      const front = context.useSelector((state) => state.error.frontEnd);
      const answers = context.useSelector((state) => state.error.backEndConnected !== false);
      const [problem, say] = React.useState(null);
      const [round, next] = React.useState(0);
      React.useEffect(() => {
        // at once, not with the next drawing: who looks after a click must not see the rest before it
        const tell = () => {
          const busy = store.getState().isLoading ? "yes" : "no";
          if (root.dataset.busy !== busy) root.dataset.busy = busy; // each writing of an attribute is a change of style
        };
        tell();
        return store.subscribe(tell);
      }, [store]);
      React.useEffect(() => {
        const error = front && front[0];
        if (error && answers) say({ text: told(error.error || error), broken: false });
      }, [front]);
      React.useEffect(() => {
        // an error outside of any component may have stopped the renderer itself: only loading the page anew is sure
        const caught = (event) => {
          const error = event.error || event.reason;
          if (error instanceof Error && !/ResizeObserver/.test(error.message)) say({ text: told(error), broken: true });
        };
        window.addEventListener("error", caught);
        window.addEventListener("unhandledrejection", caught);
        return () => {
          window.removeEventListener("error", caught);
          window.removeEventListener("unhandledrejection", caught);
        };
      }, []);
      const again = () => {
        if (problem.broken) { window.location.reload(); return; }
        say(null);
        next(round + 1);
        window.sgState.again();
      };
      const box = problem && make("div", { className: "boundary notice", role: "alert" },
        make("span", null, `Something on this page failed: ${problem.text}. What else is on it goes on. `),
        make("button", { className: "act strong", onClick: again }, "Try again"),
        " ",
        make("button", { className: "act", onClick: () => say(null) }, "Close"));
      return make(React.Fragment, null, box,
        make(Guard, { key: round, onError: (error) => say({ text: told(error), broken: false }) }, props.children));
    }
    return Boundary;
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-again]")) window.sgState.again();
  });

  window.skillgraph = { get Boundary() { return (made = made || component()); } };
})();
