/* Passkeys: asks the server what it wants proven, lets the browser do it, and hands the answer back. */
(function () {
  "use strict";
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const csrf = () => { const field = document.querySelector("input[name=csrfmiddlewaretoken]"); return field ? field.value : ""; };
  const send = (url, body) => fetch(url, { method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": csrf(), "Content-Type": "application/json" }, body: JSON.stringify(body) });

  function readable(options) {
    const key = options.publicKey;
    key.challenge = bytes(key.challenge);
    if (key.user) key.user.id = bytes(key.user.id);
    ["excludeCredentials", "allowCredentials"].forEach((list) => (key[list] || []).forEach((c) => { c.id = bytes(c.id); }));
    return options;
  }
  function sendable(credential) {
    const response = {};
    ["attestationObject", "clientDataJSON", "authenticatorData", "signature", "userHandle"].forEach((name) => {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    });
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: response, clientExtensionResults: credential.getClientExtensionResults() };
  }

  document.querySelectorAll("[data-passkey]").forEach((box) => {
    const button = box.querySelector("[data-passkey-go]");
    const error = box.querySelector("[data-passkey-error]");
    const name = box.querySelector("[data-passkey-name]");
    const say = (words) => { error.textContent = words; error.hidden = !words; };
    const registers = box.dataset.passkey === "register";
    if (!window.PublicKeyCredential || !window.isSecureContext) {
      if (box.dataset.passkey === "sign-in") box.hidden = true;
      button.disabled = true;
      say(box.dataset.none);
      return;
    }
    async function go() {
      const asked = await send(box.dataset.options, { what: box.dataset.passkey });
      if (!asked.ok) return say((await asked.json()).message);
      const options = readable(await asked.json());
      const credential = registers ? await navigator.credentials.create(options) : await navigator.credentials.get(options);
      const answer = await send(box.dataset.answerTo, { credential: sendable(credential), name: name ? name.value : "", next: box.dataset.next || "" });
      const said = await answer.json();
      if (!answer.ok) return say(said.message);
      return location.assign(said.url);
    }
    button.addEventListener("click", () => {
      say("");
      button.disabled = true;
      go().catch(() => say(box.dataset.failed)).finally(() => { button.disabled = false; });
    });
  });
})();
