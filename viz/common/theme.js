"use strict";
// A page in a notebook has the theme of the notebook, whatever the system's theme is; elsewhere the system's.
const chainrule = {};
(function () {
  const dark = []; // the media of the rules for dark readers: none, if the page was made for one theme
  for (const sheet of document.styleSheets)
    for (const rule of sheet.cssRules)
      if (rule.media && rule.media.mediaText.includes("prefers-color-scheme")) dark.push(rule.media);
  chainrule.isDark = () => dark.length > 0 && matchMedia(dark[0].mediaText).matches;
  chainrule.isFramed = window.parent !== window;
  document.documentElement.classList.toggle("framed", chainrule.isFramed);

  function notebookIsDark() {
    const body = window.parent.document.body;
    if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false"; // JupyterLab, Notebook 7, nbconvert
    if (body.dataset.vscodeThemeKind) return !body.dataset.vscodeThemeKind.includes("light");
    for (let element = window.frameElement; element; element = element.parentElement) {
      const [red, green, blue, opacity = 1] = getComputedStyle(element).backgroundColor.match(/[\d.]+/g).map(Number);
      if (opacity > 0.5) return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
    }
    const schemes = getComputedStyle(window.parent.document.documentElement).colorScheme;
    return schemes.includes("dark") && (!schemes.includes("light") || matchMedia("(prefers-color-scheme: dark)").matches);
  }

  function follow() {
    const media = notebookIsDark() ? "screen" : "not all";
    for (const list of dark) if (list.mediaText !== media) list.mediaText = media;
    window.dispatchEvent(new Event("themechange"));
  }

  if (!chainrule.isFramed || !dark.length) return;
  try {
    follow();
    const watch = new MutationObserver(follow);
    for (const element of [window.parent.document.documentElement, window.parent.document.body])
      watch.observe(element, { attributes: true });
  } catch (error) {
    if (error.name !== "SecurityError") throw error; // the notebook keeps its frames apart: the system's theme stays
  }
})();
