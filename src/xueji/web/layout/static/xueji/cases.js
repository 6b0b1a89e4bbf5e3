/* Pages of cases: ticking and deciding several at once by keyboard, and the viewer of papers. */
(function () {
  "use strict";
  const $ = (selector, root) => (root || document).querySelector(selector);
  const $$ = (selector, root) => Array.from((root || document).querySelectorAll(selector));

  /* The desk. A ticks all of one kind that nothing speaks against (the kind under the cursor, else the most frequent),
     X ticks one, P and R ask for confirmation, and Enter there answers: the button that confirms has the focus. */
  const desk = $("[data-desk]");
  const boxes = () => $$("tbody input[type=checkbox]", desk).filter((box) => !box.disabled);
  const ticked = () => boxes().filter((box) => box.checked).map((box) => box.closest("tr"));
  function count() {
    const on = ticked().length;
    $$("[data-desk-count]", desk).forEach((el) => { el.textContent = String(on); });
    $$("[data-desk-ask]", desk).forEach((button) => { button.setAttribute("aria-disabled", String(!on)); });
  }
  function tell(rows) {
    const kinds = new Map();
    rows.forEach((row) => kinds.set(row.dataset.kindLabel, [...(kinds.get(row.dataset.kindLabel) || []), row.dataset.name]));
    return [...kinds].map(([label, names]) => label + " " + names.length + ": " + names.join("、")).join("; ");
  }
  function tick(box, on) {
    box.checked = on;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function frequent(rows) {
    const n = {};
    rows.forEach((row) => { n[row.dataset.kind] = (n[row.dataset.kind] || 0) + 1; });
    return Object.keys(n).sort((a, b) => n[b] - n[a])[0];
  }
  if (desk) {
    count();
    document.addEventListener("change", () => setTimeout(count));
    desk.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const cursor = $("tr.is-cursor", desk);
      if (button.matches("[data-desk-same]")) {
        const easy = $$("tr[data-routine]", desk);
        const kind = cursor ? cursor.dataset.kind : frequent(easy);
        const same = easy.filter((row) => row.dataset.kind === kind).map((row) => $("input[type=checkbox]", row));
        const all = same.length > 0 && same.every((box) => box.checked);
        same.forEach((box) => tick(box, !all));
      } else if (button.matches("[data-desk-tick]")) {
        const box = cursor && $("input[type=checkbox]:not(:disabled)", cursor);
        if (box) tick(box, !box.checked);
      } else if (button.matches("[data-desk-ask]")) {
        const rows = ticked();
        const dialog = document.getElementById(button.dataset.deskAsk);
        if (!rows.length) return;
        const warned = rows.filter((row) => "warned" in row.dataset);
        $("[data-desk-n]", dialog).textContent = String(rows.length);
        $("[data-desk-names]", dialog).textContent = tell(rows);
        const line = $("[data-desk-warned]", dialog);
        if (line) { line.hidden = !warned.length; $("span", line).textContent = warned.map((row) => row.dataset.name).join("、"); }
        dialog.showModal();
      }
    });
  }

  /* Papers open large over the page: arrows go to the next, + shows it in full size, a turn is for scans lying down. */
  const viewer = $("[data-viewer]");
  const shots = $$("[data-paper]");
  let now = 0;
  let turn = 0;
  function show(n) {
    now = (n + shots.length) % shots.length;
    turn = 0;
    const shot = shots[now];
    const image = $("img", viewer);
    image.src = shot.dataset.paper;
    image.alt = shot.dataset.paperName;
    $("[data-viewer-name]", viewer).textContent = shot.dataset.paperName + " " + (now + 1) + "/" + shots.length;
    $("[data-viewer-file]", viewer).href = shot.dataset.paper;
    $(".xj-viewer-stage", viewer).className = "xj-viewer-stage";
  }
  function act(deed) {
    const stage = $(".xj-viewer-stage", viewer);
    if (deed === "next") show(now + 1);
    else if (deed === "previous") show(now - 1);
    else if (deed === "full") stage.classList.toggle("is-full");
    else if (deed === "turn") { stage.classList.remove("xj-turn-" + turn); turn = (turn + 1) % 4; stage.classList.add("xj-turn-" + turn); }
  }
  if (viewer) {
    document.addEventListener("click", (event) => {
      const shot = event.target.closest("[data-paper]");
      if (shot) { show(shots.indexOf(shot)); viewer.showModal(); }
      const button = event.target.closest("[data-view]");
      if (button) act(button.dataset.view);
      if (event.target === viewer) viewer.close();
    });
    viewer.addEventListener("keydown", (event) => {
      const deed = { ArrowRight: "next", ArrowLeft: "previous", "+": "full", r: "turn", R: "turn" }[event.key];
      if (deed) { event.preventDefault(); act(deed); }
    });
  }
})();
