/* A signature drawn with finger, pen or mouse: the canvas goes along as a PNG when the form is sent. */
(() => {
  "use strict";
  const box = document.querySelector("[data-sign]");
  if (!box) return;
  const canvas = box.querySelector("canvas");
  const field = box.querySelector("input[name=signature]");
  const pen = canvas.getContext("2d");
  let drawing = false;
  let inked = false;
  const clear = () => { pen.clearRect(0, 0, canvas.width, canvas.height); inked = false; field.value = ""; };
  const at = (event) => {
    const frame = canvas.getBoundingClientRect();
    return [(event.clientX - frame.left) * canvas.width / frame.width, (event.clientY - frame.top) * canvas.height / frame.height];
  };
  pen.lineWidth = 5;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "#10151c";
  // A refusal brings the page back: what was written is still there.
  if (field.value.startsWith("data:image/png")) {
    const kept = new Image();
    kept.addEventListener("load", () => { pen.drawImage(kept, 0, 0); inked = true; });
    kept.src = field.value;
  }
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    drawing = true;
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    pen.lineTo(...at(event));
    pen.stroke();
    inked = true;
  });
  ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { drawing = false; }));
  box.querySelector("[data-sign-clear]").addEventListener("click", clear);
  box.closest("form").addEventListener("submit", () => { field.value = inked ? canvas.toDataURL("image/png") : ""; });
})();
