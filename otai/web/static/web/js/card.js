"use strict";
// The choice of how much a model may decide alone, as a slider. The select behind it stays what is sent; without this script it is the choice.

for (const form of document.querySelectorAll("form[data-slider]")) {
  const select = form.querySelector("select");
  const headline = document.getElementById(form.dataset.headline);
  const threshold = document.querySelector("[data-threshold]:not(option)");
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  slider.max = select.options.length - 1;
  slider.value = select.selectedIndex;
  slider.id = `${select.id}-slider`;
  select.hidden = true;
  form.querySelector("label").htmlFor = slider.id;
  form.querySelector("[data-ends]").hidden = false;
  select.after(slider);

  function show() {
    select.selectedIndex = Number(slider.value);
    const point = select.selectedOptions[0];
    headline.querySelector("[data-coverage]").textContent = point.dataset.coverage;
    headline.querySelector("[data-precision]").textContent = point.dataset.precision;
    threshold.textContent = point.dataset.threshold;
    slider.setAttribute("aria-valuetext", point.textContent);
  }
  slider.addEventListener("input", show);
  // The address keeps the choice, so that it can be sent to somebody.
  slider.addEventListener("change", () => history.replaceState(null, "", `?at=${select.value}`));
  show();
}
