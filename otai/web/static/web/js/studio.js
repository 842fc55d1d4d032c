"use strict";
// What every page needs and CSS cannot do. No page depends on it to be read or to send a form.

document.documentElement.classList.toggle("scrolled", scrollY > 4);
addEventListener("scroll", () => document.documentElement.classList.toggle("scrolled", scrollY > 4), { passive: true });

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  }
  // Outside of a dialog, on its page of its own, what closes it is a link like any other.
  const closer = event.target.closest("[data-closes]");
  const shown = (closer || event.target.nodeName === "DIALOG") && event.target.closest("dialog");
  if (shown) {
    if (closer) event.preventDefault();
    shown.close();
  }
  const back = event.target.closest("[data-back]");
  if (back && history.length > 1 && document.referrer.startsWith(location.origin)) {
    event.preventDefault();
    history.back();
  }
  const copier = event.target.closest("[data-copies]");
  if (copier) {
    const source = document.getElementById(copier.dataset.copies);
    navigator.clipboard.writeText(source.value ?? source.textContent).then(() => {
      const said = copier.querySelector("[data-said]") ?? copier;
      said.textContent = copier.dataset.done ?? said.textContent;
    });
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
// What the server opened, as after a refusal, is opened as a click would.
document.querySelectorAll("dialog[open]").forEach((dialog) => {
  dialog.close();
  dialog.showModal();
});
// What is typed into a field for a secret is shown while its button is pressed in.
for (const button of document.querySelectorAll("[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  });
  // Browsers keep passwords of password fields alone, and others see the screen.
  field.form?.addEventListener("submit", () => { field.type = "password"; });
}
// A choice that sends its form at once; without scripts the form's button does.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-sends]")) event.target.form.requestSubmit();
});
// A form that spends or orders is sent once, however often it is clicked.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent && Date.now() - form.dataset.sent < 8000) return void event.preventDefault();
  form.dataset.sent = Date.now();
});
addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

// Tips of charts that the server drew: [data-tip] inside .chart, by mouse and by keyboard.
function showTip(target) {
  const chart = target.closest(".chart");
  let tip = chart.querySelector(":scope > .tip");
  if (!tip) {
    tip = document.createElement("div");
    tip.className = "tip";
    tip.setAttribute("role", "status");
    chart.append(tip);
  }
  tip.textContent = target.dataset.tip;
  tip.hidden = false;
  const [box, frame] = [target.getBoundingClientRect(), chart.getBoundingClientRect()];
  const left = Math.min(Math.max(0, box.left - frame.left + box.width / 2 - tip.offsetWidth / 2), frame.width - tip.offsetWidth);
  tip.style.left = `${left}px`;
  tip.style.top = `${Math.max(0, box.top - frame.top - tip.offsetHeight - 6)}px`;
}
function hideTip(target) {
  const tip = target.closest(".chart")?.querySelector(":scope > .tip");
  if (tip) tip.hidden = true;
}
for (const [come, go] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  document.addEventListener(come, (event) => { const target = event.target.closest?.("[data-tip]"); if (target) showTip(target); });
  document.addEventListener(go, (event) => { const target = event.target.closest?.("[data-tip]"); if (target) hideTip(target); });
}
