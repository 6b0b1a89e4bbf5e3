/* Page behaviour without inline code: menus, keyboard, dialogs, session warning, notices, display choices. */
(function () {
  "use strict";
  const $ = (selector, root) => (root || document).querySelector(selector);
  const $$ = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const words = () => ($("#xj-text") || { dataset: {} }).dataset;
  const csrf = () => ($("meta[name=csrf-token]") || { content: "" }).content;

  /* Notices: Xueji.toast(text, level); a server answer may send HX-Trigger: {"xj:toast": {"text": ..., "level": ...}} */
  function toast(text, level) {
    const region = $("#xj-toasts");
    if (!region || !text) return;
    const item = document.createElement("div");
    item.className = "xj-toast" + (level === "error" ? " is-error" : "");
    item.textContent = text;
    region.append(item);
    setTimeout(() => item.remove(), level === "error" ? 12000 : 6000);
  }
  document.addEventListener("xj:toast", (event) => toast(event.detail.text || event.detail.value, event.detail.level));

  /* Display choices live in one cookie, so that the server draws the page right from the start. */
  const FACE = "xj_face";
  const chosen = () => {
    const found = document.cookie.split("; ").find((c) => c.startsWith(FACE + "="));
    return new Set(found ? found.slice(FACE.length + 1).split(".").filter(Boolean) : []);
  };
  function choose(name, on) {
    const set = chosen();
    on ? set.add(name) : set.delete(name);
    document.cookie = FACE + "=" + [...set].join(".") + "; path=/; max-age=31536000; SameSite=Lax" + (location.protocol === "https:" ? "; Secure" : "");
    document.documentElement.classList.toggle("xj-" + name, on);
    $$('[data-face="' + name + '"]').forEach((box) => { box.checked = on; });
  }
  $$("[data-face]").forEach((box) => { box.checked = chosen().has(box.dataset.face); });
  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-face]");
    if (box) choose(box.dataset.face, box.checked);
  });

  /* Menus (<details>) close on Escape, on a click elsewhere and when another opens. */
  const openMenus = () => $$("details.xj-menu[open]");
  document.addEventListener("click", (event) => {
    openMenus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    const toggle = event.target.closest("[data-toggle-nav]");
    const nav = document.body.classList;
    if (toggle) {
      const open = nav.toggle("xj-nav-open");
      toggle.setAttribute("aria-expanded", String(open));
      if (open) { const first = $("#xj-nav a, #xj-nav summary"); if (first) first.focus(); }
    } else if (nav.contains("xj-nav-open") && !event.target.closest(".xj-side")) closeNav();
    const opener = event.target.closest("[data-open]");
    if (opener) { const dialog = document.getElementById(opener.dataset.open); if (dialog) showDialog(dialog); }
    const closer = event.target.closest("[data-close], #xj-keys [data-answer=close]");
    if (closer) closer.closest("dialog").close();
    const row = event.target.closest("[data-row][data-href]");
    if (row && !event.target.closest("a,button,input,label,select,summary,details") && !String(getSelection())) open(row);
  });
  /* Keep an opened menu inside the window; in a scrolling table it is lifted out of the scroll box. */
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.matches("details.xj-menu")) return;
    const body = $(".xj-menu-body", menu);
    if (!body) return;
    ["position", "left", "right", "top"].forEach((name) => { body.style[name] = ""; });
    if (!menu.open) return;
    openMenus().forEach((other) => { if (other !== menu && !other.contains(menu)) other.open = false; });
    if (menu.closest(".xj-table-wrap")) {
      const at = menu.getBoundingClientRect();
      body.style.position = "fixed";
      body.style.right = "auto";
      body.style.left = Math.max(4, Math.min(at.left, innerWidth - body.offsetWidth - 4)) + "px";
      body.style.top = (at.bottom + body.offsetHeight + 4 > innerHeight ? Math.max(4, at.top - body.offsetHeight - 4) : at.bottom + 4) + "px";
      return;
    }
    const box = body.getBoundingClientRect();
    if (box.right > innerWidth - 4) { body.style.left = "auto"; body.style.right = "0"; }
    if (body.getBoundingClientRect().left < 4) { body.style.right = "auto"; body.style.left = 4 - menu.getBoundingClientRect().left + "px"; }
  }, true);
  addEventListener("scroll", () => openMenus().forEach((menu) => { if (menu.closest(".xj-table-wrap")) menu.open = false; }), true);
  function closeNav() {
    document.body.classList.remove("xj-nav-open");
    $$("[data-toggle-nav]").forEach((b) => b.setAttribute("aria-expanded", "false"));
  }

  /* Keyboard */
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName)) && !/^(checkbox|radio|button|submit|reset)$/.test(el.type);
  const rows = () => $$("[data-row]").filter((row) => row.offsetParent !== null);
  let cursor = null;
  function move(step) {
    const list = rows();
    if (!list.length) return false;
    const now = list.indexOf(cursor && cursor.isConnected ? cursor : null);
    const next = list[Math.min(Math.max(now + step, 0), list.length - 1)];
    if (cursor) cursor.classList.remove("is-cursor");
    cursor = next;
    next.classList.add("is-cursor");
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return true;
  }
  function open(row) { if (row.dataset.href) location.assign(row.dataset.href); else { const link = $("a[href]", row); if (link) link.click(); } }
  function showDialog(dialog) {
    if (dialog.id === "xj-keys") fillPageKeys(dialog);
    if (!dialog.open) dialog.showModal();
  }
  function fillPageKeys(dialog) {
    const body = $("[data-page-keys]", dialog);
    body.replaceChildren(...$$("[data-key]").map((el) => {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      const key = document.createElement("kbd");
      const text = document.createElement("td");
      head.scope = "row";
      key.textContent = el.dataset.key.toUpperCase();
      text.textContent = el.dataset.keyLabel || el.textContent.trim();
      head.append(key);
      row.append(head, text);
      return row;
    }));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      openMenus().forEach((menu) => { menu.open = false; const summary = $("summary", menu); if (menu.contains(document.activeElement)) summary.focus(); });
      closeNav();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target) || $("dialog[open]")) return;
    const key = event.key;
    const onRow = cursor && cursor.isConnected && (document.activeElement === cursor);
    let used = true;
    if (key === "Enter" && onRow) open(cursor);
    else if (key === " " && onRow) { const box = $("input[type=checkbox]", cursor); if (box) box.click(); else used = false; }
    else if ((key === "ArrowDown" || key === "ArrowUp") && onRow) used = move(key === "ArrowDown" ? 1 : -1);
    else if (chosen().has("nokeys")) used = false;
    else if (key === "/") { const box = $("[data-search-box]"); if (box) { box.focus(); box.select(); } else used = false; }
    else if (key === "?") { const dialog = $("#xj-keys"); if (dialog) showDialog(dialog); }
    else if (key === "j" || key === "J") used = move(1);
    else if (key === "k" || key === "K") used = move(-1);
    else {
      const target = /^[a-z0-9]$/i.test(key) ? $('[data-key="' + key.toLowerCase() + '"]') : null;
      if (target) target.click(); else used = false;
    }
    if (used) event.preventDefault();
  });

  /* Confirmation: data-confirm (title), -text, -verb, -keep, -danger on a form, submit button, link or htmx element. */
  function ask(source, done) {
    const dialog = $("#xj-confirm");
    const yes = $("[data-answer=yes]", dialog);
    const no = $("[data-answer=no]", dialog);
    const data = source.dataset;
    $(".xj-dialog-title", dialog).textContent = data.confirm;
    $(".xj-dialog-text", dialog).textContent = data.confirmText || "";
    dialog.yesWord = dialog.yesWord || yes.textContent;
    dialog.noWord = dialog.noWord || no.textContent;
    yes.textContent = data.confirmVerb || dialog.yesWord;
    no.textContent = data.confirmKeep || dialog.noWord;
    yes.className = "btn " + ("confirmDanger" in data ? "btn-danger" : "btn-primary");
    yes.onclick = () => { dialog.close(); done(); };
    no.onclick = () => dialog.close();
    dialog.showModal();
    no.focus();
  }
  /* A deed for ticked rows (data-ticks="name of the boxes") is not sent without a tick: what was typed stays where it is. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const name = form.dataset.ticks;
    if (!name || $$("input[type=checkbox]:checked", form).some((box) => box.name === name)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    toast(words().tickFirst, "error");
    const first = $$("input[type=checkbox]", form).find((box) => box.name === name);
    if (first) first.focus();
  }, true);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const source = event.submitter && event.submitter.dataset.confirm ? event.submitter : form.dataset.confirm ? form : null;
    // A form that htmx sends is asked about in htmx:confirm; one that htmx only watches for changes is ours.
    const watched = form.getAttribute("hx-trigger");
    const byHtmx = form.matches("[hx-post],[hx-get],[hx-put],[hx-delete]") && (!watched || watched.includes("submit"));
    if (!source || form.xjSure || byHtmx) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(source, () => { form.xjSure = true; form.requestSubmit(event.submitter || undefined); form.xjSure = false; });
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-confirm]:not([hx-get]):not([hx-post])");
    if (!link) return;
    event.preventDefault();
    ask(link, () => location.assign(link.href));
  });
  document.addEventListener("htmx:confirm", (event) => {
    const trigger = event.detail.triggeringEvent;
    const submitter = trigger && trigger.submitter;
    const source = submitter && submitter.dataset.confirm ? submitter : event.detail.elt;
    if (!source.dataset || !source.dataset.confirm) return;
    event.preventDefault();
    ask(source, () => event.detail.issueRequest(true));
  });

  /* htmx: say in words what went wrong; go to the sign-in page when the session ended. */
  const codes = { 403: "forbidden", 404: "missing", 409: "conflict", 429: "often" };
  document.addEventListener("htmx:responseError", (event) => toast(words()[codes[event.detail.xhr.status] || "server"], "error"));
  document.addEventListener("htmx:sendError", () => toast(words().network, "error"));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const login = document.body.dataset.loginUrl;
    const answered = event.detail.xhr.responseURL;
    if (login && answered && new URL(answered).pathname === new URL(login, location.href).pathname) {
      event.detail.shouldSwap = false;
      location.assign(login + "?next=" + encodeURIComponent(location.pathname + location.search));
    }
  });
  const offline = () => { const bar = $("#xj-offline"); if (bar) bar.hidden = navigator.onLine; };
  addEventListener("offline", offline);
  addEventListener("online", offline);

  /* Session: warn two minutes before the end, extend on request. Every answer of the server starts the time anew. */
  const seconds = Number(document.body.dataset.sessionSeconds || 0);
  const WARN = 120;
  let ends = Date.now() + seconds * 1000;
  const renew = () => { ends = Date.now() + seconds * 1000; const d = $("#xj-session"); if (d && d.open) d.close(); };
  if (seconds > 0 && $("#xj-session")) {
    const dialog = $("#xj-session");
    document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful && !event.detail.elt.closest(".xj-job")) renew(); });
    $("[data-answer=extend]", dialog).addEventListener("click", () => {
      fetch(document.body.dataset.sessionExtend, { method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": csrf(), "HX-Request": "true" } })
        .then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); renew(); toast(words().extended); })
        .catch(() => toast(words().network, "error"));
    });
    setInterval(() => {
      const left = Math.round((ends - Date.now()) / 1000);
      if (left > WARN) return;
      if (left <= 0) {
        document.dispatchEvent(new CustomEvent("xj:keep-drafts"));
        location.assign((document.body.dataset.loginUrl || "/") + "?next=" + encodeURIComponent(location.pathname + location.search));
        ends = Infinity;
        return;
      }
      $("[data-countdown]", dialog).textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
      if (!dialog.open) dialog.showModal();
    }, 1000);
  }

  /* A revealed value goes back to its mask after a minute, and at once when the page is hidden. */
  function arm(root) {
    const found = $$("[data-autohide]", root);
    if (root.matches && root.matches("[data-autohide]")) found.push(root);
    found.forEach((el) => {
      if (el.xjArmed) return;
      el.xjArmed = true;
      const hide = () => { if (el.isConnected) { const value = $("[data-private]", el) || el; value.textContent = el.dataset.mask || ""; el.classList.remove("is-revealed"); } };
      setTimeout(hide, Number(el.dataset.autohide || 60) * 1000);
      document.addEventListener("visibilitychange", () => { if (document.hidden) hide(); }, { once: true });
    });
  }
  arm(document);
  /* On phones a row becomes a paragraph: a bare number, day or dash there says what it is, in the words of its column. */
  function nameCells(root) {
    $$("table.xj-flow", root).forEach((table) => {
      const heads = Array.from((table.tHead && table.tHead.rows[table.tHead.rows.length - 1] || { cells: [] }).cells);
      if (table.tHead && table.tHead.rows.length > 1 || heads.some((h) => h.colSpan > 1)) return;
      $$(":scope > tbody > tr", table).forEach((row) => {
        if (row.cells.length !== heads.length) return;
        Array.from(row.cells).forEach((cell, i) => {
          if (cell.dataset.label === undefined && /^[\d\s.,:%\/-]+$|^—$/.test(cell.textContent.trim())) cell.dataset.label = heads[i].textContent.trim();
        });
      });
    });
  }
  nameCells(document);
  document.addEventListener("htmx:load", (event) => { arm(event.detail.elt); nameCells(event.detail.elt.parentElement || document); });

  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });

  const summary = $("[data-error-summary]");
  if (summary) summary.focus();
  window.Xueji = { toast, csrf, words, renew };
})();
