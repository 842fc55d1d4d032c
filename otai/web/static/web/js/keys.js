"use strict";
// Ctrl K finds, "?" lists the keys, "g" and a letter go somewhere. Each is a page as well: the panel shows its part.
// Names stay in this block: other scripts of a page have their own.
{
const finder = document.getElementById("find");
const panel = document.createElement("dialog");
panel.className = "panel";
document.body.append(panel);
const keysAreOff = () => document.documentElement.dataset.keys === "off";
const places = new Map(finder.dataset.places.split(" ").map((one) => [one.slice(0, 1), one.slice(2)]));
let came = 0;

async function show(address) {
  if (panel.open) return;
  const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected) return void location.assign(address);
  panel.innerHTML = await answer.text();
  htmx.process(panel);
  panel.setAttribute("aria-label", panel.querySelector("h2")?.textContent ?? finder.textContent.trim());
  panel.showModal();
  select(0);
}

// The list of what was found: arrows choose, Enter opens. The field keeps the focus and names what is chosen.
const options = () => [...panel.querySelectorAll("a[role=option]")];
const field = () => panel.querySelector("[role=combobox]");
function select(place) {
  const all = options();
  if (!field()) return;
  const chosen = all[(place + all.length) % all.length];
  for (const one of all) one.setAttribute("aria-selected", String(one === chosen));
  if (chosen) field().setAttribute("aria-activedescendant", chosen.id);
  else field().removeAttribute("aria-activedescendant");
  chosen?.scrollIntoView({ block: "nearest" });
}
panel.addEventListener("keydown", (event) => {
  const all = options();
  const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (!field() || event.isComposing) return;
  if (event.key === "ArrowDown") select(at + 1);
  else if (event.key === "ArrowUp") select(at - 1);
  else if (event.key === "Enter") all[at]?.click();
  else return;
  event.preventDefault();
});
panel.addEventListener("htmx:afterSwap", () => {
  select(0);
  const said = panel.querySelector("[role=status]");
  said.textContent = `${options().length} ${said.dataset.counted}`;
});
// A page that is come back to, or a place on this page, is not shown through a panel.
panel.addEventListener("click", (event) => { if (event.target.closest("a[role=option]")) panel.close(); });

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-panel]");
  if (!opener || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  show(opener.dataset.panel);
});
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return void (panel.open ? panel.close() : show(finder.dataset.panel));
  }
  const isTyping = event.target.closest?.("input, select, textarea, dialog, [contenteditable]");
  if (keysAreOff() || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") {
    event.preventDefault();
    return void show(finder.dataset.shortcuts);
  }
  const address = Date.now() - came < 1500 && places.get(event.key.toLowerCase());
  came = event.key === "g" ? Date.now() : 0;
  if (address) {
    event.preventDefault();
    event.stopImmediatePropagation();
    location.assign(address);
  }
});
}
