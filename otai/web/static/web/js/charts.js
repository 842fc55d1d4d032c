"use strict";
// Draws `figure.chart[data-chart=line]` from the table inside, with uPlot: first column x, every further column a line that is named at
// its end. Tips follow the mouse, and the arrow keys once the chart has the focus. The table stays, folded, behind the chart.

(() => {
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // uPlot paints on a canvas, which knows no light-dark(): the browser resolves the colour for us.
  function colour(name) {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  function read(figure) {
    const table = figure.querySelector("table");
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const columns = names.map(() => []);
    const texts = names.map(() => []);
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, at) => {
        const raw = cell.dataset.value ?? cell.textContent.trim();
        const value = at === 0 && figure.dataset.x === "time" ? Date.parse(raw) / 1000 : parseFloat(raw);
        columns[at].push(Number.isFinite(value) ? value : null);
        texts[at].push(cell.textContent.trim());
      });
    }
    return { names, columns, texts };
  }

  function draw(figure) {
    if (!window.uPlot || figure.dataset.drawn) return;
    const { names, columns, texts } = read(figure);
    if (columns[0].length < 2) return;
    figure.dataset.drawn = "yes";
    const canvas = figure.querySelector(".canvas");
    canvas.hidden = false;
    figure.querySelector("details.behind").open = false;
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    tip.setAttribute("role", "status");
    figure.append(tip);

    const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });
    const font = `450 11px ${style("--font")}`;
    const bound = (value) => (value === "" ? null : Number(value));
    const low = bound(figure.dataset.yMin), high = bound(figure.dataset.yMax);
    let plot;

    function tell(at) {
      if (at === null || at === undefined) return void (tip.hidden = true);
      tip.textContent = [`${names[0]}: ${texts[0][at]}`, ...names.slice(1).map((name, line) => `${name}: ${texts[line + 1][at] || "–"}`)].join("\n");
      tip.hidden = false;
      const left = canvas.offsetLeft + plot.bbox.left / devicePixelRatio + plot.valToPos(columns[0][at], "x");
      tip.style.left = `${Math.min(Math.max(0, left + 10), figure.clientWidth - tip.offsetWidth)}px`;
      tip.style.top = `${canvas.offsetTop + 8}px`;
    }

    function make() {
      plot?.destroy();
      const axis = { stroke: colour("--text-quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font };
      plot = new uPlot({
        width: canvas.clientWidth, height: Math.max(200, Math.min(300, canvas.clientWidth * 0.45)),
        padding: [12, 90, 0, 0],
        scales: { x: { time: figure.dataset.x === "time" }, y: { range: (_, min, max) => [low ?? Math.min(0, min), high ?? max * 1.08] } },
        axes: [axis, { ...axis, size: 52, values: (_, splits) => splits.map((v) => number.format(v) + (figure.dataset.unit ? `\u00a0${figure.dataset.unit}` : "")) }],
        series: [{}, ...names.slice(1).map((name, at) => ({ label: name, stroke: colour(`--chart-${(at % 5) + 1}`), width: 2, points: { show: columns[0].length < 40, size: 5 } }))],
        legend: { show: false },
        cursor: { y: false, points: { size: 8 } },
        hooks: {
          setCursor: [(u) => tell(u.cursor.idx)],
          draw: [(u) => {
            // Direct labels: each line is named where it ends.
            const context = u.ctx;
            context.save();
            context.font = `600 ${11 * devicePixelRatio}px ${style("--font")}`;
            context.textBaseline = "middle";
            context.textAlign = "left";
            const taken = [];
            names.slice(1).forEach((name, line) => {
              let last = columns[line + 1].length - 1;
              while (last >= 0 && columns[line + 1][last] === null) last -= 1;
              if (last < 0) return;
              let y = u.valToPos(columns[line + 1][last], "y", true);
              while (taken.some((other) => Math.abs(other - y) < 13 * devicePixelRatio)) y += 13 * devicePixelRatio;
              taken.push(y);
              context.fillStyle = colour(`--chart-${(line % 5) + 1}`);
              context.fillText(name, u.bbox.left + u.bbox.width + 6 * devicePixelRatio, y);
            });
            context.restore();
          }],
        },
      }, columns, canvas);
    }
    make();

    let at = null;
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      at = Math.min(columns[0].length - 1, Math.max(0, at === null ? 0 : at + step));
      plot.setCursor({ left: plot.valToPos(columns[0][at], "x"), top: 10 });
      tell(at);
    });
    canvas.addEventListener("blur", () => (tip.hidden = true));
    canvas.addEventListener("mouseleave", () => (tip.hidden = true));
    let width = canvas.clientWidth;
    new ResizeObserver(() => { if (canvas.clientWidth && canvas.clientWidth !== width) { width = canvas.clientWidth; make(); } }).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", make);
  }

  const all = (root) => { for (const figure of root.querySelectorAll("figure.chart[data-chart=line]")) draw(figure); };
  document.addEventListener("DOMContentLoaded", () => all(document));
  document.addEventListener("htmx:load", (event) => all(event.target));
})();
