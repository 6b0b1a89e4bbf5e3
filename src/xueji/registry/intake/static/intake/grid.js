/* The grid of an import: arrows move, Enter or typing edits, Enter saves, Escape gives up. What was typed stays in its
   cell until the server has taken it. */
(function () {
  "use strict";
  const table = document.querySelector("[data-sheet]");
  if (!table) return;
  const words = table.dataset;
  const body = table.tBodies[0];
  const csrf = () => (document.querySelector("meta[name=csrf-token]") || { content: "" }).content;
  const cellsOf = (row) => Array.from(row.querySelectorAll("td[role=gridcell]"));
  const cellOf = (no, key) => body.querySelector('tr[data-no="' + no + '"] td[data-key="' + key + '"]');
  const say = (text, level) => document.dispatchEvent(new CustomEvent("xj:toast", { detail: { text: text, level: level } }));

  function focus(cell) {
    if (!cell) return;
    body.querySelectorAll('td[tabindex="0"]').forEach((old) => { old.tabIndex = -1; });
    cell.tabIndex = 0;
    cell.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function move(cell, down, right) {
    const row = cell.parentElement;
    const at = cellsOf(row).indexOf(cell);
    let next = row;
    if (down > 0) next = row.nextElementSibling || row;
    if (down < 0) next = row.previousElementSibling || row;
    const cells = cellsOf(next);
    focus(cells[Math.min(cells.length - 1, Math.max(0, at + right))]);
  }

  function open(cell, text) {
    if (cell.querySelector("input")) return;
    const shown = cell.querySelector(".xj-cell");
    const input = document.createElement("input");
    input.className = "form-control";
    input.autocomplete = "off";
    input.setAttribute("list", "codes-" + cell.dataset.key);
    input.setAttribute("aria-label", table.querySelector('thead th[data-key="' + cell.dataset.key + '"]').textContent.trim());
    if ("hidden" in cell.dataset) { input.placeholder = words.again; input.value = ""; }
    else input.value = cell.dataset.value || shown.textContent;
    input.dataset.before = input.value;
    if (text !== undefined) input.value = text;
    shown.hidden = true;
    shown.after(input);
    input.focus();
    if (text === undefined) input.select();
  }

  function close(cell) {
    const input = cell.querySelector("input");
    if (!input) return;
    input.remove();
    cell.querySelector(".xj-cell").hidden = false;
    cell.classList.remove("is-unsaved");
  }

  async function save(cell, key, value, down, right) {
    const no = cell.parentElement.dataset.no;
    const input = cell.querySelector("input");
    if (input) input.readOnly = true;
    let answer = null, problem = words.failed;
    try {
      const response = await fetch(words.url + no + "/cell/", {
        method: "POST",
        headers: { "X-CSRFToken": csrf(), "X-Requested-With": "XMLHttpRequest" },
        body: new URLSearchParams({ field: key, value: value, only: words.only, back: words.back }),
      });
      if ((response.headers.get("Content-Type") || "").startsWith("application/json")) answer = await response.json();
      else if (response.redirected || response.status === 401 || response.status === 403) problem = words.away;
      if (answer && answer.problem) { problem = answer.problem; answer = null; }
    } catch (error) { answer = null; }
    if (!answer) {
      if (input) { input.readOnly = false; input.focus(); }
      cell.classList.add("is-unsaved");
      say(problem, "error");
      return;
    }
    const own = cell.dataset.key;
    const row = body.querySelector('tr[data-no="' + no + '"]');
    // Cells of the row that are being typed in keep their text.
    const open_ = Array.from(row.querySelectorAll("td.is-unsaved input")).filter((i) => i !== input)
      .map((i) => [i.parentElement.dataset.key, i.value]);
    const holder = document.createElement("tbody");
    holder.innerHTML = answer.row;
    const fresh = holder.querySelector("tr");
    row.replaceWith(fresh);
    open_.forEach(([k, text]) => { const c = cellOf(no, k); open(c, text); c.classList.add("is-unsaved"); });
    document.getElementById("grid-summary").textContent = answer.summary;
    if (answer.say) say(answer.say, "error");
    const back = cellOf(no, own);
    if (back) { focus(back); if (down || right) move(back, down, right); }
  }

  function commit(cell, down, right) {
    const input = cell.querySelector("input");
    if (!input || input.readOnly) return;
    if (input.value === input.dataset.before) { close(cell); focus(cell); move(cell, down, right); return; }
    save(cell, cell.dataset.key, input.value, down, right);
  }

  body.addEventListener("click", (event) => {
    const offer = event.target.closest("[data-offer]");
    const cell = event.target.closest("td[role=gridcell]");
    if (offer) { save(cell, offer.dataset.offer, offer.dataset.to, 0, 0); return; }
    if (cell && !event.target.closest("input,a")) focus(cell);
  });
  body.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("td[role=gridcell]");
    if (cell && !event.target.closest("input,a,button")) open(cell);
  });
  body.addEventListener("focusout", (event) => {
    const cell = event.target.matches("input") ? event.target.closest("td[role=gridcell]") : null;
    if (!cell || event.target.readOnly) return;
    if (event.target.value === event.target.dataset.before) close(cell);
    else if (!cell.classList.contains("is-unsaved")) { cell.classList.add("is-unsaved"); }
  });
  body.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td[role=gridcell]");
    if (!cell || event.isComposing || event.target.matches("button, a")) return;
    const editing = event.target.matches("input");
    // An input method begins: its text goes into the editor that opens now.
    if (event.keyCode === 229) { if (!editing) open(cell); return; }
    const steps = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (editing) {
      if (event.key === "Enter") { event.preventDefault(); commit(cell, event.shiftKey ? -1 : 1, 0); }
      else if (event.key === "Escape") { event.stopPropagation(); close(cell); focus(cell); }
      else if (event.key === "Tab") { event.preventDefault(); commit(cell, 0, event.shiftKey ? -1 : 1); }
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (steps[event.key]) { event.preventDefault(); move(cell, steps[event.key][0], steps[event.key][1]); }
    else if (event.key === "Enter" || event.key === "F2") { event.preventDefault(); open(cell); }
    else if (event.key === " ") {
      const offer = cell.querySelector("[data-offer]");
      if (offer) { event.preventDefault(); offer.click(); }
    } else if (event.key === "Delete" || event.key === "Backspace") { event.preventDefault(); open(cell, ""); }
    else if (event.key.length === 1) { event.preventDefault(); event.stopPropagation(); open(cell, event.key); }
  });
  addEventListener("beforeunload", (event) => {
    if (body.querySelector("td.is-unsaved input")) { event.preventDefault(); event.returnValue = ""; }
  });

  const first = body.querySelector("td.is-error") || body.querySelector("td[role=gridcell]");
  if (first) first.tabIndex = 0;
})();
