// Draws the table of the chart as stacked bars, and lets a bar be chosen by mouse or keyboard. The
// table is the only source: when htmx replaces it, the bars follow, and a bar leads where its row
// leads. Rows are days or hours, or names: then the bars lie beside them. Colours come from the
// style sheet, for both themes.

"use strict";

(() => {
  const canvas = document.getElementById("chart");
  if (!canvas || !window.Chart) return;

  const language = document.documentElement.lang;
  const shortDay = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const longDay = new Intl.DateTimeFormat(language, { dateStyle: "full", timeZone: "UTC" });
  const number = new Intl.NumberFormat(language);
  const series = ["--chart-delivered", "--chart-in-error", "--chart-queued"];

  // Names need more room than days.
  const isAcross = "across" in canvas.dataset;
  const [along, up] = isAcross ? ["y", "x"] : ["x", "y"];

  // The rows behind the bars, and the bar that the keyboard has chosen, if any.
  let rows = [];
  let chosen = -1;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function read() {
    const table = document.getElementById(canvas.dataset.table);
    const byHour = "byHour" in table.dataset;
    const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
    rows = [...table.tBodies[0].rows].map((row) => {
      const time = row.querySelector("time");
      const isNamed = byHour || isAcross;
      const day = isNamed ? null : new Date(time.dateTime);
      return {
        short: isNamed ? row.cells[0].dataset.short : shortDay.format(day),
        long: isNamed ? (time ?? row.cells[0]).textContent.trim() : longDay.format(day),
        figures: [...row.querySelectorAll("data")].map((data) => Number(data.value)),
        link: row.querySelector("a"),
      };
    });
    return names;
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const chart = new Chart(canvas, {
    type: "bar",
    data: { labels: [], datasets: series.map(() => ({ data: [], borderRadius: 2, maxBarThickness: 24 })) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: along,
      interaction: { mode: "index", axis: along, intersect: false },
      plugins: {
        legend: { display: false },
        tooltip: {
          callbacks: {
            title: (items) => rows[items[0].dataIndex].long,
            label: (item) => ` ${item.dataset.label} ${number.format(item.parsed[up])}`,
          },
        },
      },
      scales: {
        [along]: { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkip: !isAcross, autoSkipPadding: 24 } },
        [up]: { stacked: true, beginAtZero: true, border: { display: false }, ticks: { precision: 0, maxTicksLimit: 6, callback: (value) => number.format(value) } },
      },
    },
  });

  function paint() {
    series.forEach((name, index) => { chart.data.datasets[index].backgroundColor = colour(name); });
    const { [along]: names, [up]: figures } = chart.options.scales;
    names.ticks.color = figures.ticks.color = colour("--muted");
    names.border.color = figures.grid.color = colour("--line");
  }

  // What a screen reader says of a bar.
  function describe() {
    const index = chosen < 0 ? rows.length - 1 : chosen;
    const figures = rows[index].figures.map((value, at) => `${chart.data.datasets[at].label} ${number.format(value)}`);
    canvas.setAttribute("aria-valuemax", rows.length);
    canvas.setAttribute("aria-valuenow", index + 1);
    canvas.setAttribute("aria-valuetext", [rows[index].long, ...figures].join(", "));
  }

  function show() {
    const active = chosen < 0 ? [] : series.map((_, datasetIndex) => ({ datasetIndex, index: chosen }));
    chart.setActiveElements(active);
    chart.tooltip.setActiveElements(active, { x: 0, y: 0 });
    chart.update();
    describe();
  }

  function draw() {
    const before = rows.map((row) => row.long).join();
    const names = read();
    if (rows.map((row) => row.long).join() !== before) chosen = -1;
    chart.data.labels = rows.map((row) => row.short);
    series.forEach((_, index) => Object.assign(chart.data.datasets[index], {
      label: names[index],
      data: rows.map((row) => row.figures[index]),
    }));
    canvas.classList.toggle("leads-on", rows.some((row) => row.link));
    paint();
    if (chosen < 0) {
      chart.update();
      describe();
    } else {
      show();
    }
  }

  // A slider: what has values in a row, of which one is told, is one for who cannot see it.
  canvas.setAttribute("role", "slider");
  canvas.setAttribute("aria-valuemin", 1);
  canvas.tabIndex = 0;

  canvas.addEventListener("keydown", (event) => {
    const last = rows.length - 1;
    const from = chosen < 0 ? last : chosen;
    const to = {
      ArrowLeft: Math.max(0, from - 1),
      ArrowDown: Math.max(0, from - 1),
      ArrowRight: Math.min(last, from + 1),
      ArrowUp: Math.min(last, from + 1),
      Home: 0,
      End: last,
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      chosen = to;
      show();
    } else if (event.key === "Enter") {
      rows[from].link?.click();
    } else if (event.key === "Escape") {
      document.getElementById("zoom-back")?.click();
    }
  });
  canvas.addEventListener("focus", () => {
    if (!canvas.matches(":focus-visible")) return;
    chosen = rows.length - 1;
    show();
  });
  canvas.addEventListener("blur", () => {
    chosen = -1;
    show();
  });
  canvas.addEventListener("click", (event) => {
    const [bar] = chart.getElementsAtEventForMode(event, "index", { axis: along, intersect: false }, true);
    if (bar) rows[bar.index].link?.click();
  });

  draw();
  // The fragment brings only the parts that have changed; drawing the bars again costs little.
  document.addEventListener("htmx:afterSettle", (event) => {
    draw();
    // The link that was followed may be gone: go on where the way back is, or where it led.
    const followed = event.detail.requestConfig?.elt;
    if (document.activeElement !== document.body || !followed?.matches("#history a, .zoom a")) return;
    (document.getElementById("zoom-back") ?? document.querySelector(".periods [aria-current]"))?.focus();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
