// Draws the table of the last days as stacked bars. The table is the only source: when htmx
// replaces it, the bars follow. Colours come from the style sheet, for both themes.

"use strict";

(() => {
  const canvas = document.getElementById("chart");
  if (!canvas || !window.Chart) return;

  const language = document.documentElement.lang;
  const shortDay = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const longDay = new Intl.DateTimeFormat(language, { dateStyle: "full", timeZone: "UTC" });
  const number = new Intl.NumberFormat(language);
  const series = ["--chart-delivered", "--chart-in-error", "--chart-queued"];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function read() {
    const table = document.getElementById(canvas.dataset.table);
    const rows = [...table.tBodies[0].rows];
    return {
      names: [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent),
      days: rows.map((row) => new Date(row.querySelector("time").dateTime)),
      figures: series.map((_, column) =>
        rows.map((row) => Number(row.querySelectorAll("data")[column].value))),
    };
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const chart = new Chart(canvas, {
    type: "bar",
    data: { labels: [], datasets: series.map(() => ({ data: [], borderRadius: 2, maxBarThickness: 24 })) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: false },
        tooltip: {
          callbacks: {
            title: (items) => longDay.format(items[0].chart.$days[items[0].dataIndex]),
            label: (item) => ` ${item.dataset.label} ${number.format(item.parsed.y)}`,
          },
        },
      },
      scales: {
        x: { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 24 } },
        y: { stacked: true, beginAtZero: true, border: { display: false }, ticks: { precision: 0, maxTicksLimit: 6, callback: (value) => number.format(value) } },
      },
    },
  });

  function paint() {
    series.forEach((name, index) => { chart.data.datasets[index].backgroundColor = colour(name); });
    const { x, y } = chart.options.scales;
    x.ticks.color = y.ticks.color = colour("--muted");
    x.border.color = y.grid.color = colour("--line");
  }

  function draw() {
    const { names, days, figures } = read();
    chart.$days = days;
    chart.data.labels = days.map((day) => shortDay.format(day));
    figures.forEach((values, index) => Object.assign(chart.data.datasets[index], { label: names[index], data: values }));
    paint();
    chart.update();
  }

  draw();
  // The fragment brings only the parts that have changed; drawing 30 bars again costs nothing.
  document.addEventListener("htmx:afterSettle", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
