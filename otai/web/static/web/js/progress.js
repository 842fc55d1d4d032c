"use strict";
// Forms that send a file: how much of it is there. Without this script the browser's own sign has to do.

for (const form of document.querySelectorAll("form[data-uploads]")) {
  const input = form.querySelector("input[type=file]");
  const area = form.querySelector("[data-upload-progress]");
  const bar = area.querySelector("progress");
  const said = area.querySelector("[data-upload-said]");
  const tell = (text) => { area.hidden = false; said.textContent = text; };

  input.addEventListener("change", () => {
    const tooLarge = input.files[0] && input.files[0].size > Number(form.dataset.limit);
    input.setCustomValidity(tooLarge ? form.dataset.tooLarge : "");
    if (tooLarge) input.reportValidity();
  });

  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !input.files[0]) return;
    event.preventDefault();
    const request = new XMLHttpRequest();
    const size = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 });
    request.upload.addEventListener("progress", (sent) => {
      bar.value = (100 * sent.loaded) / sent.total;
      tell(sent.loaded < sent.total ? `${size.format(sent.loaded / 1e6)} / ${size.format(sent.total / 1e6)}` : said.dataset.reading);
    });
    request.addEventListener("load", () => {
      // Where the answer leads: the columns of the file, or this page with what is wrong.
      if (request.status < 300 && request.responseURL && request.responseURL !== new URL(form.action).href) return void location.assign(request.responseURL);
      document.open();
      document.write(request.responseText);
      document.close();
    });
    request.addEventListener("error", () => HTMLFormElement.prototype.submit.call(form));
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    request.send(new FormData(form));
    tell("0\u00a0%");
  });
}
