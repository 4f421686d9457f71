"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const slider = document.getElementById("slider");
  const counter = document.getElementById("counter");
  const numbers = document.getElementById("numbers");
  const svg = document.querySelector("#view svg");
  const cursors = svg.querySelectorAll(".cursor");
  const last = data.epochs.length - 1;

  function show(index) {
    const place = Math.max(0, Math.min(last, index));
    slider.value = String(place);
    counter.textContent = "epoch " + data.epochs[place];
    slider.setAttribute("aria-valuetext", counter.textContent);
    numbers.textContent = data.lines[place];
    cursors.forEach((cursor) => {
      cursor.setAttribute("transform", "translate(" + data.x[place] + ",0)");
      cursor.setAttribute("visibility", "visible");
    });
  }

  // Which axis a reader wants; a panel whose numbers are not all positive has but one.
  const log = document.getElementById("log");
  function switchAxes() {
    const wanted = log.getAttribute("aria-pressed") === "true" ? "linear" : "log";
    log.setAttribute("aria-pressed", String(wanted === "log"));
    svg.querySelectorAll("[data-scale]").forEach((group) => {
      if (group.dataset.scale === wanted) group.removeAttribute("display");
      else group.setAttribute("display", "none");
    });
  }
  if (log) log.addEventListener("click", switchAxes);
  const step = (by) => () => show(Number(slider.value) + by);
  document.getElementById("back").addEventListener("click", step(-1));
  document.getElementById("next").addEventListener("click", step(1));

  slider.max = String(last);
  slider.addEventListener("input", () => show(Number(slider.value)));
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    let nearest = 0;
    data.x.forEach((position, index) => {
      const within = Math.floor(x / data.panel) * data.panel;
      if (Math.abs(position + within - x) < Math.abs(data.x[nearest] + within - x)) nearest = index;
    });
    show(nearest);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target === slider || event.altKey || event.ctrlKey || event.metaKey) return;
    if (log && event.key.toLowerCase() === "l") switchAxes();
    const now = Number(slider.value);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      show(to);
    }
  });
  show(last);
})();
