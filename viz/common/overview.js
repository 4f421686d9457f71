"use strict";
// The whole picture, small, below a view that shows a part of it; a press or a drag in it moves the view.
(function () {
  if (!chainrule.view) return;
  const { element: view, svg } = chainrule.view;
  const { width, height } = svg.viewBox.baseVal;
  const box = document.createElement("div");
  const image = document.createElement("img");
  const sight = document.createElement("span");
  box.className = "overview";
  box.hidden = true;
  box.setAttribute("aria-hidden", "true"); // everything in it stands in the view itself
  image.alt = "";
  image.draggable = false;
  box.append(image, sight);
  view.parentNode.append(box);
  let isOld = true;
  let timer = null;

  function paint() {
    timer = null;
    isOld = false;
    const copy = svg.cloneNode(true);
    copy.removeAttribute("style");
    const [drawn, copied] = [svg, copy].map((one) => [...one.querySelectorAll(".bar, .cell, .tag")]);
    copied.forEach((element, at) => getComputedStyle(drawn[at]).visibility === "hidden" && element.remove());
    copy.querySelectorAll("title, text").forEach((element) => element.remove()); // too small to be read
    const style = copy.querySelector("style"); // an image would ask the system for its theme
    const media = chainrule.isDark() ? "all" : "not all";
    style.textContent = style.textContent.replace(/screen and \(prefers-color-scheme.dark\)/g, media);
    image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
  }

  function place() {
    const seen = Math.min(1, view.clientWidth / svg.clientWidth) * Math.min(1, view.clientHeight / svg.clientHeight);
    // Where more is in sight, nobody needs it; once shown, it stays a little longer, for it takes room from the view.
    const enough = chainrule.isFramed ? 0.8 : 0.95; // a frame of a notebook has a height that was chosen for it
    box.hidden = !view.classList.contains("larger") || seen > (box.hidden ? enough : (1 + enough) / 2);
    if (box.hidden) return;
    const scale = Math.min(Math.min(240, 0.27 * view.clientWidth) / width, 64 / height);
    image.style.width = Math.max(width * scale, 12) + "px";
    image.style.height = Math.max(height * scale, 12) + "px";
    if (isOld && timer === null) timer = setTimeout(paint, 0);
    const port = view.getBoundingClientRect();
    const whole = svg.getBoundingClientRect();
    const part = (value) => Math.max(0, Math.min(100, 100 * value));
    const left = part((port.left - whole.left) / whole.width);
    const top = part((port.top - whole.top) / whole.height);
    sight.style.left = left + "%";
    sight.style.top = top + "%";
    sight.style.width = part((port.left + view.clientWidth - whole.left) / whole.width) - left + "%";
    sight.style.height = part((port.top + view.clientHeight - whole.top) / whole.height) - top + "%";
  }

  function move(event) {
    const area = image.getBoundingClientRect();
    const whole = svg.getBoundingClientRect();
    const port = view.getBoundingClientRect();
    view.scrollTo({
      left: view.scrollLeft + whole.left + ((event.clientX - area.left) / area.width) * whole.width - port.left - view.clientWidth / 2,
      top: view.scrollTop + whole.top + ((event.clientY - area.top) / area.height) * whole.height - port.top - view.clientHeight / 2,
      behavior: "instant",
    });
  }

  box.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    box.setPointerCapture(event.pointerId);
    move(event);
  });
  box.addEventListener("pointermove", (event) => {
    if (box.hasPointerCapture(event.pointerId)) move(event);
  });
  function repaint() {
    isOld = true;
    if (!box.hidden && timer === null) timer = setTimeout(paint, 300);
  }
  window.addEventListener("viewchange", place);
  window.addEventListener("themechange", repaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  // What a script changes in the picture, such as the gradients of a step, changes in the overview too.
  const changes = { subtree: true, childList: true, attributes: true, attributeFilter: ["class", "d", "visibility"] };
  new MutationObserver(repaint).observe(svg, changes);
  place();
})();
