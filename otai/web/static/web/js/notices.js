"use strict";
// Notices of the system for whoever allowed them in this browser, while a page of the Studio is open.

const here = document.currentScript.dataset;
const ON = "otai-notices";
const LAST = `otai-notices-last ${here.fresh}`;
const areOn = () => "Notification" in window && Notification.permission === "granted" && localStorage.getItem(ON) === "on";

async function look() {
  if (!areOn()) return;
  const last = localStorage.getItem(LAST);
  const answer = await fetch(last ? `${here.fresh}?after=${last}` : here.fresh, { headers: { Accept: "application/json" } });
  if (!answer.ok || localStorage.getItem(LAST) !== last) return;
  const news = await answer.json();
  localStorage.setItem(LAST, news.last);
  // Several pages may be open: what has the same tag is shown once.
  for (const one of news.items) {
    const notice = new Notification(one.title, { tag: one.id, icon: here.icon });
    notice.addEventListener("click", () => { focus(); location.assign(one.page); });
  }
}

function show() {
  const off = document.querySelector("[data-notices-off]");
  if (!off) return;
  off.hidden = areOn();
  document.querySelector("[data-notices-on]").hidden = !areOn();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-notices]");
  if (!button) return;
  const wanted = button.dataset.notices === "on";
  const allowed = wanted && "Notification" in window && (await Notification.requestPermission()) === "granted";
  localStorage.setItem(ON, wanted && allowed ? "on" : "off");
  document.querySelector("[data-notices-refused]").hidden = !wanted || allowed;
  show();
  look();
});
show();
look();
setInterval(look, Number(here.seconds) * 1000);
