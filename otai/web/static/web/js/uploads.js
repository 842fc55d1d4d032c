"use strict";
// Files are sent in parts: what has arrived stays, a broken connection goes on by itself, and a page that was closed
// goes on when the same file is chosen again. Without this script the form sends the whole file.

const leastPart = 256 * 1024, firstPart = 1024 * 1024, longestPause = 30;
const mostWithoutRoom = 5; // Tries more, where the server has no room: that passes seldom by itself.

class Stopped extends Error {}
class Refusal extends Error {}
class Broken extends Error { constructor(seconds, noRoom = "") { super(); Object.assign(this, { seconds, noRoom }); } }

const language = document.documentElement.lang;
const unit = (value, name, digits = 0) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: name.includes("byte") ? "short" : "long", maximumFractionDigits: digits }).format(value).replace(/ /g, "\u00a0");
const size = (bytes, more = "") => bytes >= 1e9 ? unit(bytes / 1e9, `gigabyte${more}`, 2) : bytes >= 1e6 ? unit(bytes / 1e6, `megabyte${more}`, 1) : unit(Math.ceil(bytes / 1e3), `kilobyte${more}`);
const lasting = (seconds) => seconds >= 5400 ? unit(Math.round(seconds / 3600), "hour") : seconds >= 90 ? unit(Math.round(seconds / 60), "minute") : unit(Math.max(1, Math.round(seconds)), "second");
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// The same file has the same mark, on whatever day: its name, size and time, and a hash of its beginning where the
// browser has one (only over TLS or on this machine).
async function markOf(file) {
  let hash = "";
  if (crypto.subtle) {
    const digest = await crypto.subtle.digest("SHA-256", await file.slice(0, 1 << 20).arrayBuffer());
    hash = [...new Uint8Array(digest)].slice(0, 16).map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return `${encodeURIComponent(file.name).slice(-100)} ${file.size} ${file.lastModified} ${hash}`;
}
async function checksumOf(part) {
  if (!crypto.subtle) return {};
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await part.arrayBuffer()));
  return { "Upload-Checksum": `sha256 ${btoa(String.fromCharCode(...digest))}` };
}

class Sending {
  constructor(form, file) {
    Object.assign(this, { form, file, words: form.dataset, sent: 0, isPaused: false, isCancelled: false, drop: "" });
    this.row = form.querySelector("template").content.firstElementChild.cloneNode(true);
    this.part = (name) => this.row.querySelector(`[data-${name}]`);
    this.part("name").textContent = file.name;
    this.part("bar").setAttribute("aria-label", file.name);
    for (const name of ["pause", "resume", "cancel"]) {
      this.part(name).setAttribute("aria-label", `${this.part(name).textContent.trim()}: ${file.name}`);
      this.part(name).addEventListener("click", () => this[name]());
    }
    form.querySelector("[data-list]").append(this.row);
    this.progress();
  }

  tell(text) { this.part("said").textContent = text; }
  stage(name) {
    this.row.dataset.stage = name;
    let isPast = true;
    for (const item of this.row.querySelectorAll("[data-stages] li")) {
      const isIt = item.dataset.is === name;
      isPast &&= !isIt;
      item.toggleAttribute("data-past", isPast);
      isIt ? item.setAttribute("aria-current", "step") : item.removeAttribute("aria-current");
    }
  }
  progress(loaded = 0) {
    const there = this.sent + loaded;
    this.part("bar").value = there / this.file.size;
    const values = { sent: size(there), total: size(this.file.size) };
    const passed = (performance.now() - this.began) / 1000;
    if (!(passed > 1) || there <= this.beganAt) return void (this.part("far").textContent = filled(this.words.far, values));
    const rate = (there - this.beganAt) / passed;
    this.part("far").textContent = filled(this.words.rate, { ...values, rate: size(rate, "-per-second"), left: lasting((this.file.size - there) / rate) });
  }
  measure() { this.began = performance.now(); this.beganAt = this.sent; }

  pause() {
    this.isPaused = true;
    this.toggle();
    this.tell(this.words.paused);
    this.request?.abort();
  }
  resume() {
    this.isPaused = false;
    this.toggle();
    this.tell("");
    this.wake?.();
  }
  toggle() {
    this.part("pause").hidden = this.isPaused;
    this.part("resume").hidden = !this.isPaused;
    this.part(this.isPaused ? "resume" : "pause").focus();
  }
  async cancel() {
    this.isCancelled = true;
    this.request?.abort();
    this.wake?.();
    if (this.drop) await fetch(this.drop, { method: "POST", body: this.fields({}) }).catch(() => {});
    this.row.remove();
    this.form.querySelector("[data-choose]").focus();
  }
  fields(more) {
    return new URLSearchParams({ csrfmiddlewaretoken: this.form.elements.csrfmiddlewaretoken.value, ...more });
  }
  until(seconds) {
    return new Promise((done) => {
      this.wake = done;
      if (seconds !== undefined) setTimeout(done, seconds * 1000);
      if (seconds !== undefined) addEventListener("online", done, { once: true });
    });
  }
  async allowed() {
    while (this.isPaused && !this.isCancelled) { await this.until(); this.measure(); }
    if (this.isCancelled) throw new Stopped();
  }

  // What `attempt` gives, however often the connection breaks on the way; a Refusal where there stays no room for it.
  async lasting(attempt) {
    for (let tries = 0, withoutRoom = 0; ;) {
      await this.allowed();
      try {
        const answer = await attempt();
        if (tries) this.tell(this.words.again);
        return answer;
      } catch (error) {
        if (this.isPaused || this.isCancelled) continue;
        if (!(error instanceof Broken)) throw error;
        if (error.noRoom && (withoutRoom += 1) > mostWithoutRoom) throw new Refusal(error.noRoom);
        const pause = error.seconds || Math.min(longestPause, 2 ** tries) * (0.75 + Math.random() / 2);
        tries = Math.min(tries + 1, 6);
        this.tell(filled(this.words.broken, { seconds: lasting(pause) }));
        await this.until(pause);
        this.measure();
      }
    }
  }
  ask(method, address, { body = null, headers = {}, onProgress = null } = {}) {
    return new Promise((resolve, reject) => {
      const request = (this.request = new XMLHttpRequest());
      request.open(method, address);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      if (onProgress) request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
      request.addEventListener("load", () => resolve(request));
      for (const ending of ["error", "abort", "timeout"]) request.addEventListener(ending, () => reject(new Broken()));
      request.timeout = 300_000;
      request.send(body);
    });
  }
  // The answer of one of this page's addresses, or a Refusal in the words of the page.
  async ofPage(address, fields) {
    const answer = await this.ask("POST", address, { body: this.fields(fields), headers: { Accept: "application/json" } });
    this.judge(answer);
    try { return JSON.parse(answer.responseText); } catch { throw new Refusal(this.words.signedOut); }
  }
  judge(answer) {
    const status = answer.status;
    if (status < 300) return;
    let said = {};
    try { said = JSON.parse(answer.responseText); } catch { /* no words for people */ }
    const { code, message = "" } = said.error ?? said;
    if (status === 408 || status === 429 || status >= 500) throw new Broken(Number(answer.getResponseHeader("Retry-After")) || 0, code === "disk_full" ? message || this.words.failed : "");
    if (status === 401 || status === 403) throw new Refusal(this.words.signedOut);
    throw new Refusal(said.message || this.words.failed);
  }

  async run() {
    try {
      const limit = Number(this.words.limit);
      if (this.file.size > limit) throw new Refusal(filled(this.words.tooLarge, { size: size(this.file.size) }));
      this.stage("sending");
      await this.send(await markOf(this.file));
      for (const name of ["pause", "resume", "far"]) this.part(name).hidden = true;
      this.part("bar").removeAttribute("value");
      this.stage("reading");
      this.tell("");
      const taken = await this.lasting(() => this.ofPage(this.arrived, {}));
      await this.read(taken.job);
      this.stage("understood");
      this.part("bar").hidden = this.part("cancel").hidden = true;
      Object.assign(this.part("columns"), { href: taken.columns, hidden: false });
      return taken.columns;
    } catch (error) {
      if (error instanceof Stopped) return null;
      this.stage("failed");
      for (const name of ["pause", "resume", "bar", "far", "stages"]) this.part(name).hidden = true;
      this.tell(error instanceof Refusal ? error.message : this.words.failed);
      return null;
    }
  }
  async send(mark) {
    const begun = await this.lasting(() => this.ofPage(this.words.begin, { filename: this.file.name, size: this.file.size, fingerprint: mark }));
    Object.assign(this, { drop: begun.drop, arrived: begun.arrived, sent: begun.received });
    if (this.sent) this.tell(filled(this.words.resumed, { sent: size(this.sent) }));
    this.measure();
    let length = Math.min(firstPart, begun.part_bytes);
    while (this.sent < this.file.size) {
      const before = performance.now(), from = this.sent;
      await this.lasting(() => this.next(begun.address, length).catch((error) => { length = Math.max(leastPart, length / 2); throw error; }));
      if (this.sent - from === length && performance.now() - before < 1000) length = Math.min(2 * length, begun.part_bytes);
    }
  }
  async next(address, length) {
    const headers = { "Otai-Organisation": this.words.organisation, "X-CSRFToken": this.form.elements.csrfmiddlewaretoken.value, Accept: "application/json" };
    if (this.isUnsure) {
      // After a break: how much of what was sent did arrive?
      const head = await this.ask("GET", address, { headers });
      this.judge(head);
      this.sent = Number(head.getResponseHeader("Upload-Offset"));
      this.isUnsure = false;
      this.measure();
      if (this.sent >= this.file.size) return;
    }
    const part = this.file.slice(this.sent, this.sent + length);
    this.isUnsure = true;
    const body = { body: part, onProgress: (loaded) => this.progress(loaded) };
    const answer = await this.ask("PATCH", address, { ...body, headers: { ...headers, ...(await checksumOf(part)), "Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(this.sent) } });
    if (answer.status === 409 || answer.status === 460) throw new Broken(0.2);
    this.judge(answer);
    this.isUnsure = false;
    this.sent = Number(answer.getResponseHeader("Upload-Offset"));
    this.progress();
  }
  async read(job) {
    for (;;) {
      const headers = { "Otai-Organisation": this.words.organisation, Accept: "application/json" };
      const answer = await this.lasting(async () => { const found = await this.ask("GET", job, { headers }); this.judge(found); return found; });
      const found = JSON.parse(answer.responseText);
      if (found.ended_at) return;
      if (found.progress.share) this.part("bar").value = found.progress.share;
      await this.until(0.5);
    }
  }
}

for (const form of document.querySelectorAll("form[data-uploads]")) {
  const input = form.querySelector("input[type=file]");
  const zone = document.querySelector("[data-drop]") ?? form;
  let last = Promise.resolve();
  input.multiple = true;
  form.querySelector("[data-dropping]").hidden = false;

  const begin = (files) => {
    const sendings = [...files].map((file) => new Sending(form, file));
    input.value = "";
    // One after the other: all of them at once would each be as slow as all together.
    last = last.then(async () => {
      const columns = [];
      for (const one of sendings) columns.push(await one.run());
      if (sendings.length === 1 && columns[0]) location.assign(columns[0]);
    });
  };
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !input.files.length) return;
    event.preventDefault();
    begin(input.files);
  });
  const isOfFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const over = (isOver) => form.classList.toggle("dropping", isOver);
  zone.addEventListener("dragenter", (event) => { if (isOfFiles(event)) { event.preventDefault(); depth += 1; over(true); } });
  zone.addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); over(depth > 0); });
  zone.addEventListener("dragover", (event) => { if (isOfFiles(event)) event.preventDefault(); });
  zone.addEventListener("drop", (event) => {
    if (!isOfFiles(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    if (event.dataTransfer.files.length) begin(event.dataTransfer.files);
  });
}
