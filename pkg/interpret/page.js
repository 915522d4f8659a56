"use strict";
(() => {
  const $ = id => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const state = { colours: "viridis", smooth: true, same: false };

  // In a frame the theme is that of the notebook around it, if that may be looked
  // at; on a page of its own it is the system's.
  const frame = window.frameElement;
  function theme() {
    let dark = matchMedia("(prefers-color-scheme: dark)").matches;
    if (frame) {
      const { jpThemeLight, vscodeThemeKind } = frame.ownerDocument.body.dataset;
      dark = jpThemeLight ? jpThemeLight === "false" : /dark|contrast$/.test(vscodeThemeKind || "");
    }
    document.documentElement.classList.toggle("dark", dark);
  }
  theme();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
  if (frame) {
    new MutationObserver(theme).observe(frame.ownerDocument.body, { attributes: true });
    new ResizeObserver(() => { frame.style.height = Math.min(900, Math.ceil(document.body.getBoundingClientRect().height)) + "px"; }).observe(document.body);
  }
  if (typeof DecompressionStream === "undefined") {
    $("message").textContent = "This browser cannot unpack the maps of this page: it needs Chrome or Edge 80, Firefox 113, Safari 16.4, or newer.";
    $("message").hidden = false;
    return;
  }
  function damaged(problem) {
    $("message").textContent = "This page is damaged, so that not all maps can be shown: " + problem.message;
    $("message").hidden = false;
  }

  const tables = {};
  for (const [key, digits] of Object.entries(data.colormaps)) tables[key] = Uint8Array.from(digits.match(/../g), d => parseInt(d, 16));
  function element(tag, text, parent) {
    const e = document.createElement(tag);
    e.textContent = text;
    parent.append(e);
    return e;
  }
  const percent = p => p >= 0.9995 ? "100 %" : p >= 0.0995 ? (100 * p).toFixed(1) + " %" : p >= 0.00005 ? (100 * p).toFixed(2) + " %" : "< 0.01 %";
  const number = v => v === 0 ? "0" : v >= 1e-5 ? v.toPrecision(2) : v.toExponential(1);
  const headName = head => head < 0 ? "Mean" : "Head " + (head + 1);
  const headWords = head => head < 0 ? "mean of all heads" : "head " + (head + 1);

  // maps gives the weights of a class (by its place) and a head (-1 is the mean of all).
  async function maps(picture) {
    const bytes = Uint8Array.from(atob(picture.maps), c => c.charCodeAt(0));
    const buffer = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
    const { rows, cols, heads, classes } = picture, cells = rows * cols, count = classes.length * heads;
    if (buffer.byteLength !== count * (8 + cells)) throw new Error("maps are cut short");
    const ends = new DataView(buffer), steps = new Uint8Array(buffer, 8 * count), known = new Map();
    const one = (place, head) => {
      const at = place * heads + head, low = ends.getFloat32(8 * at, true), step = (ends.getFloat32(8 * at + 4, true) - low) / data.levels;
      return Float32Array.from({ length: cells }, (_, i) => low + step * steps[at * cells + i]);
    };
    const mean = place => {
      const all = Array.from({ length: heads }, (_, head) => one(place, head));
      return Float32Array.from({ length: cells }, (_, i) => all.reduce((sum, m) => sum + m[i], 0) / heads);
    };
    return (place, head) => {
      const key = place + "," + head;
      if (!known.has(key)) {
        const values = head < 0 ? mean(place) : one(place, head);
        const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
        known.set(key, { values, low, high, rows, cols });
      }
      return known.get(key);
    };
  }

  // Cubic interpolation as the printed figures have it (OpenCV's, a = -0.75).
  function enlarge(m, factor) {
    const a = -0.75, near = d => ((a + 2) * d - (a + 3)) * d * d + 1, far = d => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    const taps = n => Array.from({ length: n * factor }, (_, i) => {
      const x = (i + 0.5) / factor - 0.5, from = Math.floor(x), t = x - from;
      return [[far(t + 1), near(t), near(1 - t), far(2 - t)], [-1, 0, 1, 2].map(k => Math.min(n - 1, Math.max(0, from + k)))];
    });
    const w = m.cols * factor, across = taps(m.cols), down = taps(m.rows), wide = new Float32Array(m.rows * w), out = new Float32Array(m.rows * factor * w);
    for (let y = 0; y < m.rows; y++) for (let x = 0; x < w; x++) {
      const [k, at] = across[x], o = y * m.cols;
      wide[y * w + x] = k[0] * m.values[o + at[0]] + k[1] * m.values[o + at[1]] + k[2] * m.values[o + at[2]] + k[3] * m.values[o + at[3]];
    }
    for (let y = 0; y < m.rows * factor; y++) {
      const [k, at] = down[y];
      for (let x = 0; x < w; x++) out[y * w + x] = k[0] * wide[at[0] * w + x] + k[1] * wide[at[1] * w + x] + k[2] * wide[at[2] * w + x] + k[3] * wide[at[3] * w + x];
    }
    return out;
  }
  const flat = (low, high) => high - low <= data.flatness * high;

  // paint leaves the picture undyed where the scale is too narrow to tell weights from rounding.
  function paint(canvas, m, [low, high], width) {
    const factor = state.smooth ? Math.max(1, Math.min(16, Math.ceil(width / m.cols))) : 1;
    canvas.style.imageRendering = state.smooth ? "auto" : "pixelated";
    if (flat(low, high)) { canvas.width = canvas.height = 1; return; }
    const values = factor > 1 ? enlarge(m, factor) : m.values, table = tables[state.colours];
    canvas.width = m.cols * factor;
    canvas.height = m.rows * factor;
    const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < values.length; i++) {
      const c = 3 * Math.max(0, Math.min(255, Math.round(255 * (values[i] - low) / (high - low))));
      image.data[4 * i] = table[c];
      image.data[4 * i + 1] = table[c + 1];
      image.data[4 * i + 2] = table[c + 2];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  class Card {
    constructor(details) {
      this.details = details;
      this.picture = data.pictures[+details.dataset.place];
      this.canvas = details.querySelector("summary canvas");
      this.img = details.querySelector("summary img");
      this.inside = details.querySelector(".inside");
      details.addEventListener("toggle", () => { if (details.open) this.open().catch(damaged); });
      if (details.open) this.open().catch(damaged); // kept open by the browser when it loads the page again
    }
    async map() { return this.maps ||= await maps(this.picture); }
    async thumb() {
      const map = await this.map(), m = map(this.picture.first, -1);
      paint(this.canvas, m, [m.low, m.high], 240);
    }
    over(parent, width) {
      const box = element("span", "", parent);
      box.className = "over";
      box.style.aspectRatio = this.img.getAttribute("width") + "/" + this.img.getAttribute("height");
      Object.assign(element("img", "", box), { src: this.img.src, alt: "", draggable: false });
      return element("canvas", "", box);
    }
    async open() {
      const map = await this.map();
      if (!this.views) this.build(map);
      this.draw();
    }
    build(map) {
      const { classes, heads, first } = this.picture, all = [-1, ...Array(heads).keys()];
      this.chosen = [first, -1];
      const left = element("div", "", this.inside), right = element("div", "", this.inside);
      left.className = "large";
      right.className = "rows";
      this.large = this.over(left);
      this.told = element("p", "", left);
      this.told.className = "told";
      this.told.setAttribute("role", "status");
      this.views = [];
      classes.forEach((c, place) => {
        const row = element("section", "", right), heading = element("h3", c.name + " ", row);
        element("span", percent(c.probability), heading);
        if (c.true) element("span", "true class", heading).className = "tag";
        if (c.predicted) element("span", "predicted", heading).className = "tag";
        const strip = element("div", "", row);
        strip.className = "maps";
        strip.setAttribute("role", "group");
        strip.setAttribute("aria-label", "Attention for " + c.name);
        // Rows of the same length, of nine at most.
        strip.style.setProperty("--columns", Math.ceil(all.length / Math.ceil(all.length / 9)));
        for (const head of all) {
          const button = element("button", "", strip), canvas = this.over(button);
          button.type = "button";
          const label = element("span", headName(head), button);
          button.onclick = () => { this.chosen = [place, head]; this.draw(); };
          this.views.push({ place, head, button, canvas, label });
        }
      });
    }
    draw() {
      if (!this.views) return;
      const map = (place, head) => this.maps(place, head);
      let common = null;
      if (state.same) {
        const shown = this.views.filter(v => v.head >= 0).map(v => map(v.place, v.head));
        common = [Math.min(...shown.map(m => m.low)), Math.max(...shown.map(m => m.high))];
      }
      for (const v of this.views) {
        const m = map(v.place, v.head);
        paint(v.canvas, m, common || [m.low, m.high], 120);
        v.label.textContent = headName(v.head) + (flat(m.low, m.high) ? ", flat" : "");
        v.button.setAttribute("aria-pressed", v.place === this.chosen[0] && v.head === this.chosen[1]);
      }
      const [place, head] = this.chosen, m = map(place, head);
      paint(this.large, m, common || [m.low, m.high], 480);
      this.told.textContent = `${this.picture.classes[place].name}, ${headWords(head)}: ` +
        (flat(m.low, m.high) ? `flat, every cell has ${number(m.high)}` : `weights from ${number(m.low)} to ${number(m.high)}`);
    }
  }
  const cards = [...document.querySelectorAll(".card")].map(details => new Card(details));

  // Thumbnails are drawn in the order in which they are seen, the rest when the
  // browser has time, and all before printing.
  async function thumbs() {
    for (const card of cards) {
      try { await card.thumb(); } catch (problem) { damaged(problem); return; }
    }
  }
  let drawing = thumbs();
  function redraw() {
    drawing = thumbs();
    for (const card of cards) card.draw();
  }
  for (const key of Object.keys(tables)) Object.assign(element("option", key, $("colours")), { value: key, selected: key === state.colours });
  $("colours").onchange = () => { state.colours = $("colours").value; redraw(); };
  $("opacity").oninput = () => document.documentElement.style.setProperty("--opacity", $("opacity").value / 100);
  for (const key of ["smooth", "same"]) $(key).onchange = () => { state[key] = $(key).checked; redraw(); };
  $("look").onsubmit = event => event.preventDefault();
  $("all").onclick = () => {
    const open = cards.some(card => !card.details.open);
    for (const card of cards) card.details.open = open;
    $("all").textContent = open ? "Close all" : "Open all";
  };
  addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    const details = document.activeElement && document.activeElement.closest(".card[open]");
    if (details) { details.open = false; details.querySelector("summary").focus(); }
  });
})();
