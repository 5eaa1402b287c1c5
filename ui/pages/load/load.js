/* The load page: files are dropped or chosen, and sent one after the other. */
(function () {
  "use strict";
  const no = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  function send(ticket, file, tell) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open("POST", `/_files/${ticket}?name=${encodeURIComponent(file.name)}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.onprogress = (event) => tell(event.loaded / Math.max(event.total, 1));
      request.onload = () => {
        if (request.status === 200) done(JSON.parse(request.responseText).files);
        else if (request.status === 401) failed("You are not logged in any more: log in again, then choose the files again.");
        else failed(request.responseText.length < 600 ? request.responseText : `The server refused ${file.name} (${request.status}).`);
      };
      request.onerror = () => failed("The connection to the explorer was lost: try again.");
      request.send(file);
    });
  }

  async function take(list, most) {
    const files = Array.from(list);
    const say = (text, bad) => {
      const line = document.getElementById("ld-sending");
      if (!line) return;
      line.textContent = text;
      line.className = bad ? "run-failed load-said" : "quiet";
    };
    if (!files.length) return;
    const large = files.find((file) => file.size > most);
    if (large) {
      say(`${large.name} is too large to be sent from a browser (at most ${Math.round(most / 1048576)} MB in all): run skillgraph load ${/^[\w.\-]+$/.test(large.name) ? large.name : `'${large.name}'`} on the machine that has it`, true);
      return;
    }
    const ticket = window.sgWork.ticket();
    let there = [];
    try {
      for (const file of files) {
        there = await send(ticket, file, (share) => say(`Sending ${file.name}: ${Math.round(100 * share)} %`));
      }
      say("");
      set("ld-asked", { data: null });
      set("ld-upload", { data: { ticket, files: there } });
    } catch (problem) {
      say(String(problem), true);
      fetch(`/_files/${ticket}`, { method: "DELETE" });
    }
  }

  /* The field is the browser's own, so that it works by keyboard and with screen readers. */
  function drop(id) {
    const place = document.getElementById(id);
    if (!place || place.querySelector("input")) return no();
    const most = Number(place.dataset.most);
    const label = document.createElement("label");
    const field = document.createElement("input");
    field.type = "file";
    field.multiple = true;
    field.id = "ld-choose";
    label.append("Drop files here, or choose them: ", field);
    place.append(label);
    field.addEventListener("change", () => take(field.files, most));
    for (const kind of ["dragover", "dragenter"]) {
      place.addEventListener(kind, (event) => { event.preventDefault(); place.classList.add("over"); });
    }
    place.addEventListener("dragleave", () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      place.classList.remove("over");
      take(event.dataTransfer.files, most);
    });
    return "yes";
  }

  const start = (clicks, upload, asked, name, part, mode) => (clicks && upload
    ? window.sgWork.begun({ ticket: upload.ticket, asked, name, part, mode }) : no());

  window.dash_clientside = Object.assign({}, window.dash_clientside, { sgLoad: { drop, start } });
})();
