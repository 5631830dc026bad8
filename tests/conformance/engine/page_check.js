// Run in a page: a list of what a reader would stumble over.
(() => {
  const problems = [];
  const shown = (text) => text.replace(/\s+/g, " ").trim().slice(0, 60);
  document.querySelectorAll("details").forEach((each) => (each.open = true));

  const wide = document.documentElement.scrollWidth;
  if (wide > window.innerWidth + 1) {
    const culprit = [...document.querySelectorAll("main *")].find((each) => {
      for (let up = each; up; up = up.parentElement) if (up.matches && up.matches(".scroll, pre, svg")) return false;
      return each.getBoundingClientRect().right > window.innerWidth + 1;
    });
    problems.push(`the page is ${wide} pixels wide on ${window.innerWidth}: ${culprit ? culprit.tagName + " " + shown(culprit.textContent) : "?"}`);
  }
  for (const box of document.querySelectorAll(".scroll, pre")) {
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible" && box.tabIndex < 0)
      problems.push(`a box scrolls but not by keyboard: ${shown(box.textContent)}`);
  }
  for (const svg of document.querySelectorAll("svg")) {
    const title = svg.querySelector(":scope > title");
    const name = title ? title.textContent : "";
    if (svg.getAttribute("role") !== "img" || !name) problems.push(`a picture without role or name: ${name}`);
    const frame = svg.getBoundingClientRect();
    const scale = frame.width / svg.viewBox.baseVal.width || 1;
    const labels = [...svg.querySelectorAll("text")].filter((each) => each.textContent.trim() && !each.hasAttribute("transform"));
    const boxes = labels.map((each) => each.getBoundingClientRect());
    boxes.forEach((box, i) => {
      if (box.left < frame.left - 2 || box.right > frame.right + 2 || box.top < frame.top - 2 || box.bottom > frame.bottom + 2)
        problems.push(`${name}: '${shown(labels[i].textContent)}' is cut off`);
      for (let k = i + 1; k < boxes.length; ++k) {
        const across = Math.min(box.right, boxes[k].right) - Math.max(box.left, boxes[k].left);
        const down = Math.min(box.bottom, boxes[k].bottom) - Math.max(box.top, boxes[k].top);
        if (across > 2 * scale && down > 4 * scale)
          problems.push(`${name}: '${shown(labels[i].textContent)}' lies on '${shown(labels[k].textContent)}'`);
      }
    });
  }
  for (const picture of document.images) {
    if (!picture.alt) problems.push("a picture without alternative text");
    if (!picture.complete || picture.naturalWidth === 0) problems.push(`a picture that is not shown: ${picture.src.slice(0, 40)}`);
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!document.getElementById(link.getAttribute("href").slice(1))) problems.push(`a link leads nowhere: ${link.getAttribute("href")}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  if (new Set(ids).size !== ids.length) problems.push("an id occurs twice");

  // Contrast, as WCAG 2 computes it.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const style = getComputedStyle(document.documentElement);
  const ground = light(style.getPropertyValue("--ground").trim());
  const wanted = { "--text": 7, "--quiet": 4.5, "--good": 4.5, "--bad": 4.5 };
  for (let i = 1; i <= 6; ++i) wanted[`--s${i}`] = 3;
  for (const [name, least] of Object.entries(wanted)) {
    const other = light(style.getPropertyValue(name).trim());
    const ratio = (Math.max(ground, other) + 0.05) / (Math.min(ground, other) + 0.05);
    if (ratio < least) problems.push(`${name} has a contrast of ${ratio.toFixed(2)}, less than ${least}`);
  }
  return problems;
})();
