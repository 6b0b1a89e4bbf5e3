/* A class before the camera, one pupil after the other: what lies in the frame is taken, looked at, sent, and the next
   pupil is called. Without a camera, or without leave to use it, the file chooser does the same. */
(() => {
  "use strict";
  const box = document.querySelector("[data-camera]");
  if (!box) return;
  const part = (name) => box.querySelector(`[data-camera-${name}]`);
  const [video, canvas, stage, form, said] = ["video", "canvas", "stage", "form", "said"].map(part);
  const [take, again, keep, turn] = ["take", "again", "keep", "turn"].map(part);
  const [width, height] = [canvas.width, canvas.height];
  let stream = null;
  let facing = "environment";
  let taken = null;
  let away = false;

  const say = (words, wrong) => {
    said.textContent = words;
    said.classList.toggle("xj-text-red", Boolean(wrong));
  };
  const show = (still) => {
    video.hidden = still;
    canvas.hidden = !still;
    take.hidden = still;
    again.hidden = keep.hidden = !still;
    if (!still) taken = null;
    (still ? keep : take).focus({ preventScroll: true });
  };
  const stop = () => {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
  };
  const open = async () => {
    stop();
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: { ideal: facing }, width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
    } catch (error) {
      stage.hidden = true;
      say(error.name === "NotAllowedError" ? box.dataset.refused : box.dataset.absent, true);
      return;
    }
    video.srcObject = stream;
    await video.play();
    stage.hidden = false;
    say("");
    show(false);
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput");
    turn.hidden = cameras.length < 2;
  };
  /* The frame is as high as the picture; its sides are cut to the official proportions, as the page shows it. */
  const shoot = () => {
    const [w, h] = [video.videoWidth, video.videoHeight];
    if (!w || !h) return;
    const high = Math.min(h, w * height / width);
    const wide = high * width / height;
    canvas.getContext("2d").drawImage(video, (w - wide) / 2, (h - high) / 2, wide, high, 0, 0, width, height);
    canvas.toBlob((blob) => { taken = blob; show(true); }, "image/jpeg", 0.93);
  };
  const call = (pupil) => {
    box.querySelectorAll("[data-camera-pupil]").forEach((one) => {
      one.toggleAttribute("aria-current", one.dataset.cameraPupil === pupil.id);
      if (one.dataset.cameraPupil === pupil.id) one.scrollIntoView({ block: "nearest" });
    });
    form.elements.person.value = pupil.id;
    part("name").textContent = pupil.name;
    part("seat").textContent = pupil.seat;
    history.replaceState(null, "", `?who=${pupil.id}`);
  };
  /* Whoever has signed in again has a new key for forms; this page, which holds the picture, still has the former. */
  const renew = async () => {
    const page = await fetch(form.action, { credentials: "same-origin" });
    if (page.redirected) throw new Error(box.dataset.away);
    const found = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("[data-camera-form] [name=csrfmiddlewaretoken]");
    if (found) form.elements.csrfmiddlewaretoken.value = found.value;
  };
  const send = async () => {
    if (!taken || keep.disabled) return;
    keep.disabled = true;
    try {
      if (away) await renew();
      const body = new FormData(form);
      body.set("photo", taken, "camera.jpg");
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
      const words = (answer.headers.get("Content-Type") || "").startsWith("application/json");
      /* Sent to the sign-in page; or signed in again elsewhere, where the former key is refused. */
      away = answer.redirected || (answer.status === 403 && !words);
      if (away) throw new Error(box.dataset.away);
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.message);
      const mark = box.querySelector(`[data-camera-pupil="${told.done}"] [data-camera-mark]`);
      if (mark) { mark.textContent = box.dataset.has; mark.className = "xj-chip xj-chip-green"; }
      part("left").textContent = told.left;
      say(told.message);
      if (told.next) { call(told.next); show(false); } else { stop(); stage.hidden = true; part("finish").hidden = false; part("finish").querySelector("a").focus(); }
    } catch (error) {
      say(error.message && !(error instanceof TypeError) && !(error instanceof SyntaxError) ? error.message : box.dataset.failed, true);
    } finally {
      keep.disabled = false;
    }
  };

  take.addEventListener("click", shoot);
  again.addEventListener("click", () => show(false));
  keep.addEventListener("click", send);
  turn.addEventListener("click", () => { facing = facing === "user" ? "environment" : "user"; open(); });
  box.querySelectorAll("a[data-camera-pupil]").forEach((one) => one.addEventListener("click", (event) => {
    if (!stream) return;
    event.preventDefault();
    call({ id: one.dataset.cameraPupil, name: one.dataset.name, seat: one.dataset.seat });
    show(false);
  }));
  window.addEventListener("pagehide", stop);
  if (navigator.mediaDevices && navigator.mediaDevices.getUserMedia) open();
  else say(box.dataset.absent, true);
})();
