"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("js");

  // Without this script a hidden text is a closed <details>; with it, an open one that is blurred until asked.
  const hidden = all("details.sensitive");
  const set = (box, shown) => {
    box.open = true;
    box.classList.toggle("blurred", !shown);
    box.querySelector(".veiled").setAttribute("aria-hidden", String(!shown));
    box.querySelector("summary").textContent = shown ? "Hide this text" : "Abusive text, hidden. Show";
  };
  for (const box of hidden) {
    set(box, false);
    const flip = (event) => {
      event.preventDefault();
      set(box, box.classList.contains("blurred"));
    };
    box.querySelector("summary").addEventListener("click", flip);
  }
  const reveal = document.getElementById("reveal");
  if (reveal) {
    reveal.hidden = hidden.length === 0;
    reveal.addEventListener("click", () => {
      const show = reveal.getAttribute("aria-pressed") !== "true";
      reveal.setAttribute("aria-pressed", String(show));
      reveal.textContent = show ? "Hide abusive texts" : "Show abusive texts";
      hidden.forEach((box) => set(box, show));
    });
  }

  const filters = document.getElementById("filters");
  if (filters) {
    const rows = all("[data-row]");
    const count = document.getElementById("shown");
    const chosen = (name) => filters.querySelector(`[name=${name}]`).value;
    const apply = () => {
      const wanted = { model: chosen("model"), direction: chosen("direction") };
      const identity = chosen("identity");
      let shown = 0;
      for (const row of rows) {
        const fits = Object.entries(wanted).every(([key, value]) => !value || row.dataset[key] === value)
          && (!identity || row.dataset.identities.split(" ").includes(identity));
        row.hidden = !fits;
        shown += fits;
      }
      count.textContent = `${shown} of ${rows.length} shown`;
    };
    filters.hidden = false;
    filters.addEventListener("change", apply);
    apply();
  }

  // Without this script a switch's thresholds are the rows of a table; with it, also the stops of a slider.
  for (const box of all(".switch")) {
    const slider = box.querySelector(".pick input");
    const stops = all(".stops tbody tr", box);
    const line = box.querySelector("line.at");
    const choose = () => {
      const stop = stops[slider.value];
      stops.forEach((row) => row.classList.toggle("now", row === stop));
      line.setAttribute("x1", stop.dataset.x);
      line.setAttribute("x2", stop.dataset.x);
      box.querySelector(".pick output").textContent = stop.dataset.said;
    };
    slider.addEventListener("input", choose);
    box.querySelector(".pick output").textContent = stops[slider.value].dataset.said;
    box.querySelector(".pick").hidden = false;
  }

  // Titles need a mouse that hovers: a touch on a cell says the same below its table.
  for (const map of all(".map")) {
    const said = map.querySelector("output");
    map.addEventListener("click", (event) => {
      const cell = event.target.closest("td[title]");
      if (cell) said.textContent = cell.title;
    });
  }
})();
