"use strict";
// One key for each answer. What has a key carries it as [data-key]; without scripts the same buttons are pressed.
document.addEventListener("keydown", (event) => {
  if (document.documentElement.dataset.keys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!target) return;
  event.preventDefault();
  if (target.nodeName !== "SUMMARY") return void target.click();
  target.parentElement.open = true;
  target.parentElement.querySelector("select, input:not([type=hidden])").focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest("details.more")) document.getElementById("question").focus();
});
