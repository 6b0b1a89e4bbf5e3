/* Form helpers: local drafts, files, ready opinions, ID number and name checks, choosing rows. */
(function () {
  "use strict";
  const $ = (selector, root) => (root || document).querySelector(selector);
  const $$ = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const words = () => ($("#xj-text") || { dataset: {} }).dataset;

  /* Drafts, kept in sessionStorage of this tab, per person, gone once the server has answered a submit. A form with
     data-autosave="key" keeps what is typed; every other form that is sent by POST keeps it when the session ends, so
     that nothing typed is lost (data-no-draft: never). */
  const PREFIX = "xj-draft:";
  const actor = document.body.dataset.actor || "";
  const automatic = (form) => "page:" + location.pathname + "#" + $$("form[method=post]").indexOf(form);
  const keyOf = (form) => PREFIX + actor + ":" + (form.dataset.autosave || automatic(form));
  const store = {
    get(key) { try { return JSON.parse(sessionStorage.getItem(key)); } catch (error) { return null; } },
    set(key, value) { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch (error) { /* full or switched off: typing goes on */ } },
  };
  const kept = (field) => field.name && !/^(hidden|password|file|submit|button|reset)$/.test(field.type) && !field.closest("[data-no-autosave]");
  function values(form) {
    return Array.from(form.elements).filter(kept).map((f) => [f.name, f.value, /^(checkbox|radio)$/.test(f.type) ? f.checked : null]);
  }
  function restore(form, saved) {
    const used = new Map();
    Array.from(form.elements).filter(kept).forEach((field) => {
      const box = /^(checkbox|radio)$/.test(field.type);
      const all = saved.filter((v) => v[0] === field.name && (!box || v[1] === field.value));
      const n = used.get(field.name + (box ? field.value : "")) || 0;
      used.set(field.name + (box ? field.value : ""), n + 1);
      const value = all[Math.min(n, all.length - 1)];
      if (!value) return;
      if (box) field.checked = value[2]; else field.value = value[1];
    });
  }
  function notice(form, saved) {
    const line = document.createElement("p");
    const button = document.createElement("button");
    const before = values(form);
    line.className = "xj-draft";
    line.setAttribute("role", "status");
    line.textContent = words().draft + " " + new Date(saved.at).toTimeString().slice(0, 5);
    button.type = "button";
    button.textContent = words().draftDrop;
    button.addEventListener("click", () => { sessionStorage.removeItem(keyOf(form)); restore(form, before); line.remove(); });
    line.append(button);
    form.prepend(line);
  }
  const typed = (form) => $$("textarea, select, input:not([type=hidden])", form).some(kept);
  const forms = $$("form[data-autosave]").concat(actor ? $$("form[method=post]:not([data-autosave]):not([data-no-draft])").filter(typed) : []);
  const present = new Set(forms.map(keyOf));
  /* The sign-in page instead of an answer: what was sent has not arrived. */
  if (!actor && location.pathname.startsWith("/login/")) Object.keys(sessionStorage).filter((k) => k.startsWith(PREFIX)).forEach((key) => {
    const saved = store.get(key);
    if (saved && saved.sent) store.set(key, Object.assign(saved, { sent: false }));
  });
  /* Back on the page with a refusal and nothing done: what was sent was not taken, so it stands there again. */
  const refused = $(".xj-messages .xj-alert-error") && !$(".xj-messages .xj-alert-success");
  if (actor) Object.keys(sessionStorage).filter((k) => k.startsWith(PREFIX)).forEach((key) => {
    const saved = store.get(key);
    const foreign = !key.startsWith(PREFIX + actor + ":");
    if (refused && !foreign && saved && saved.sent && present.has(key) && Date.now() - saved.at < 120000) {
      store.set(key, Object.assign(saved, { sent: false }));
      return;
    }
    // The server has answered a form that was sent: what the page shows now is what holds.
    if (foreign || (saved && saved.sent)) sessionStorage.removeItem(key);
  });
  forms.forEach((form) => {
    const key = keyOf(form);
    const saved = store.get(key);
    const save = () => { store.set(key, { at: Date.now(), values: values(form), sent: false }); form.dataset.draftAt = String(Date.now()); };
    const original = JSON.stringify(values(form));
    let timer = 0;
    if (saved && saved.values && !saved.sent && JSON.stringify(saved.values) !== JSON.stringify(values(form))) {
      notice(form, saved);
      restore(form, saved.values);
      if (!form.dataset.autosave) sessionStorage.removeItem(key);  // once: it was kept for this return alone
    }
    if (form.dataset.autosave) form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(save, 600); });
    form.addEventListener("submit", () => { clearTimeout(timer); store.set(key, { at: Date.now(), values: values(form), sent: true }); });
    document.addEventListener("xj:keep-drafts", () => { if (form.dataset.autosave || JSON.stringify(values(form)) !== original) save(); });
  });

  /* Files: show the name, check size and kind before anything is sent. */
  function checkFile(input) {
    const box = input.closest(".xj-uploader") || input.parentElement;
    const line = input.closest("li, .xj-drop") || box;
    const name = $("[data-file-name]", line);
    const error = $("[data-file-error]", box);
    const files = Array.from(input.files);
    const limit = Number(input.dataset.maxMb || 0);
    const kinds = (input.accept || "").split(",").map((k) => k.trim().toLowerCase()).filter(Boolean);
    const fits = (f, kind) => kind.startsWith(".") ? f.name.toLowerCase().endsWith(kind) : kind.endsWith("/*") ? f.type.startsWith(kind.slice(0, -1)) : f.type === kind;
    const named = (kind) => kind.startsWith(".") ? kind.slice(1).toUpperCase() : kind === "image/*" ? "JPG、PNG" : kind.replace(/^.*\//, "").replace("jpeg", "jpg").toUpperCase();
    const big = files.find((f) => limit && f.size > limit * 1024 * 1024);
    const odd = files.find((f) => kinds.length && !kinds.some((k) => fits(f, k)));
    const text = big ? words().fileBig + " " + limit + " MB: " + big.name : odd ? words().fileType + " " + kinds.map(named).join("、") + ": " + odd.name : "";
    if (error) { error.textContent = text; error.hidden = !text; }
    if (text) input.value = "";
    if (name) name.textContent = text || !files.length ? words().fileNone : files.map((f) => f.name).join("、");
  }
  ["dragover", "dragleave", "drop"].forEach((kind) => document.addEventListener(kind, (event) => {
    const zone = event.target.closest && event.target.closest(".xj-drop");
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle("is-over", kind === "dragover");
    if (kind === "drop") { const input = $("input[type=file]", zone); input.files = event.dataTransfer.files; checkFile(input); }
  }));

  /* ID number (data-id-number): grouped reading stays with the eye; here only the sums are checked (GB 11643). */
  const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  function idFault(text) {
    if (text.length !== 18) return words().idLength + text.length + words().idUnit;
    if (!/^\d{17}[\dX]$/.test(text)) return words().idCheck;
    const [year, month, day] = [text.slice(6, 10), text.slice(10, 12), text.slice(12, 14)].map(Number);
    const date = new Date(Date.UTC(year, month - 1, day));
    if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return words().idDate;
    const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(text[i]), 0);
    return "10X98765432"[sum % 11] === text[17] ? "" : words().idCheck;
  }
  function hint(input, text, good) {
    let line = input.parentElement.querySelector("[data-live-hint]");
    if (!line) {
      line = document.createElement("p");
      line.dataset.liveHint = "";
      line.setAttribute("role", "status");
      input.after(line);
    }
    line.className = good ? "xj-help xj-hint-ok" : "xj-error";
    line.textContent = text;
    line.hidden = !text;
  }
  function checkId(input) {
    input.value = input.value.normalize("NFKC").replace(/\s/g, "").toUpperCase();
    if (!input.value) return hint(input, "", true);
    const fault = idFault(input.value);
    const sex = Number(input.value[16]) % 2 ? words().male : words().female;
    const born = input.value.replace(/^.{6}(\d{4})(\d{2})(\d{2}).*$/, "$1-$2-$3");
    hint(input, fault || words().idOk + " · " + born + " · " + sex, !fault);
    if (!fault) input.dispatchEvent(new CustomEvent("xj:id", { bubbles: true, detail: { born, sex } }));
  }
  /* Names (data-person-name): every middle dot becomes U+00B7, blanks go at the ends. */
  function tidyName(input) {
    const tidy = input.value.trim().replace(/\s*[\u2022\u2027\u22C5\u30FB\u0387\uFF0E\uFF65\u25CF\u2219\u2024\u1427.]\s*/g, "\u00B7");
    if (tidy === input.value) return;
    const dotted = tidy.includes("\u00B7");
    input.value = tidy;
    if (dotted) hint(input, words().dot, true);
  }
  document.addEventListener("change", (event) => {
    const el = event.target;
    if (el.type === "file") checkFile(el);
    if (el.matches("[data-id-number]")) checkId(el);
    if (el.matches("[data-person-name]")) tidyName(el);
    if (el.matches("[data-auto-submit], [data-auto-submit] *")) el.form.requestSubmit();
    if (el.matches("[data-check-all]")) $$("tbody input[type=checkbox]", el.closest("table")).forEach((box) => { if (!box.disabled) box.checked = el.checked; });
    if (el.type === "checkbox") countChosen(el.closest("table"));
  });
  function countChosen(table) {
    if (!table) return;
    const boxes = $$("tbody input[type=checkbox]", table);
    const on = boxes.filter((b) => b.checked);
    boxes.forEach((b) => { const row = b.closest("tr"); if (row) row.classList.toggle("is-chosen", b.checked); });
    const all = $("[data-check-all]", table);
    if (all) { all.checked = boxes.length > 0 && on.length === boxes.length; all.indeterminate = on.length > 0 && on.length < boxes.length; }
    const bar = $("[data-batch]", table.closest("form, .xj-card") || document);
    if (bar) { bar.hidden = !on.length; $("[data-batch-count]", bar).textContent = String(on.length); }
  }

  /* Ready opinions: a click puts the sentence in, a second sentence follows on. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    if (!button) return;
    const area = $("textarea", button.closest("[data-opinion]"));
    area.value = area.value.trim() ? area.value.trim() + "; " + button.dataset.fill : button.dataset.fill;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  });
})();
