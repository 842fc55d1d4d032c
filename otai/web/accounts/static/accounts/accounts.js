"use strict";
// The browser knows the time zone; a person would have to look for it.
for (const input of document.querySelectorAll("[data-time-zone]")) {
  if (!input.value) input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

// Passkeys: allauth tells of what went wrong by an event. Whoever closed the browser's dialog knows it already.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const problem = document.querySelector("[data-passkey-problem]");
  if (problem) problem.hidden = false;
});
if (!window.PublicKeyCredential) for (const part of document.querySelectorAll("[data-needs-passkeys]")) part.hidden = true;
