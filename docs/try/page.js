/** The page: takes a photo, shows how far the work is, shows and hands out the result. */

const NAMES = { "image/png": "png", "image/jpeg": "jpg" };
const at = (id) => document.getElementById(id);

let worker = null;
let busy = false;
let photoName = "";

function startWorker() {
  // A worker from a file would have a security policy of its own, which only a server can set; one from a blob has the
  // page's, so that it cannot send anything anywhere either.
  const source = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const started = new Worker(address, { type: "module" });
  started.onmessage = ({ data }) => started === worker && receive(data);
  started.onerror = () => refuse("The program could not be loaded: check your connection, or use a newer browser.");
  return started;
}

function restore(file) {
  if (!file) return say("That was no file: drop a photo, or choose one.", "alert");
  if (busy) stopWorker();
  worker ??= startWorker();
  photoName = file.name;
  setBusy(true);
  at("working").hidden = false;
  at("result").hidden = true;
  say(`Reading ${file.name} ...`);
  worker.postMessage({ file });
}

function receive(message) {
  if (message.refused) refuse(message.refused);
  if (message.stage) say(message.stage);
  if (message.total) Object.assign(at("progress"), { max: message.total, value: message.done });
  if (message.restored) show(message.restored);
  if (message.encoded) save(message.encoded);
}

function show({ width, height, before, after }) {
  for (const [id, bitmap] of [
    ["before", before],
    ["after", after],
  ]) {
    const canvas = at(id);
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
  }
  setBusy(false);
  at("result").hidden = false;
  say(`${photoName}, ${width} x ${height} pixels, is restored.`);
}

function save(blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${photoName.replace(/\.[^.]*$/, "")}-derained.${NAMES[blob.type]}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  setBusy(false);
  say(`${link.download} is written.`);
}

function cancel() {
  stopWorker();
  setBusy(false);
  say("Cancelled.");
}

function stopWorker() {
  worker?.terminate();
  worker = null;
}

function refuse(sentence) {
  if (at("result").hidden) stopWorker(); // what could not be loaded can be loaded by a new one only
  setBusy(false);
  say(sentence, "alert");
}

function say(text, role = "status") {
  for (const each of ["status", "alert"]) at(each).textContent = each === role ? text : "";
}

function setBusy(now) {
  busy = now;
  at("working").hidden = true;
  at("progress").removeAttribute("value"); // until the first tile is done
  for (const button of document.querySelectorAll("[data-type]")) button.disabled = now;
}

at("photo").addEventListener("change", ({ target }) => {
  if (target.files.length) restore(target.files[0]);
  target.value = ""; // the same photo can be chosen again
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.add("over");
});
document.addEventListener("dragleave", () => at("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  restore(event.dataTransfer.files[0]);
});
for (const button of document.querySelectorAll("[data-example]")) {
  button.addEventListener("click", async () => {
    const name = button.dataset.example;
    try {
      const answer = await fetch(new URL(`built/${name}`, import.meta.url));
      if (!answer.ok) throw new Error(`answer ${answer.status}`);
      restore(new File([await answer.blob()], name));
    } catch {
      say(`${name} could not be loaded. Check your connection and try again.`, "alert");
    }
  });
}
for (const button of document.querySelectorAll("[data-type]")) {
  button.addEventListener("click", () => {
    setBusy(true);
    say("Writing the picture ...");
    worker.postMessage({ type: button.dataset.type });
  });
}
at("cancel").addEventListener("click", cancel);
at("border").addEventListener("input", ({ target }) => at("compare").style.setProperty("--border", target.value));
