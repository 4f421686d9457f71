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
    const now = Number(slider.value);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      show(to);
    }
  });
  show(last);
})();
