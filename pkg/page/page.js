"use strict";
const $ = id => document.getElementById(id);
const root = document.documentElement;
const data = $("data") && JSON.parse($("data").textContent);

// In a frame the theme is that of the page around it, if that may be looked at
// (else frame is null); on a page of its own it is the system's.
const frame = window.frameElement;
function behind(element) {
  for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (!colour.endsWith(", 0)")) return colour;
  }
  return "rgb(255, 255, 255)";
}
function isDark(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
  return 0.3 * r + 0.59 * g + 0.11 * b < 128;
}
function theme() {
  let dark = matchMedia("(prefers-color-scheme: dark)").matches, page = "";
  if (frame) {
    const { jpThemeLight, vscodeThemeKind } = frame.ownerDocument.body.dataset;
    page = behind(frame);
    dark = jpThemeLight ? jpThemeLight === "false" : vscodeThemeKind ? /dark|contrast$/.test(vscodeThemeKind) : isDark(page);
    if (isDark(page) !== dark) page = ""; // not painted yet, or transparent
  }
  root.classList.toggle("dark", dark);
  root.style.setProperty("--page", page);
}
theme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
if (frame) {
  new MutationObserver(theme).observe(frame.ownerDocument.body, { attributes: true });
  frame.style.maxHeight = getComputedStyle(root).getPropertyValue("--tallest");
  new ResizeObserver(() => { frame.style.height = Math.ceil(document.body.getBoundingClientRect().height) + "px"; }).observe(document.body);
}
// In a notebook's frame a link to a place on the page would open the notebook.
document.addEventListener("click", event => {
  const link = event.target.closest('a[href^="#"]');
  const to = link && $(link.getAttribute("href").slice(1));
  if (!to) return;
  event.preventDefault();
  to.scrollIntoView();
});
// Before printing, pictures that were never scrolled to are loaded.
addEventListener("beforeprint", () => document.querySelectorAll("img[loading]").forEach(img => img.loading = "eager"));

// tell says what went wrong.
function tell(problem) {
  $("message").textContent = typeof DecompressionStream === "undefined"
    ? "This browser cannot unpack the maps of this page: it needs Chrome or Edge 80, Firefox 113, Safari 16.4, or newer."
    : "This page is damaged, so not all of its maps can be shown: " + problem.message;
  $("message").hidden = false;
}
function element(tag, text, parent) {
  const e = document.createElement(tag);
  e.textContent = text;
  parent.append(e);
  return e;
}
function option(parent, text, value, chosen) {
  Object.assign(element("option", text, parent), { value, selected: chosen });
}
const percent = p => p >= 0.9995 ? "100 %" : p >= 0.0995 ? (100 * p).toFixed(1) + " %" : p >= 0.00005 ? (100 * p).toFixed(2) + " %" : "< 0.01 %";
const number = v => v === 0 ? "0" : v >= 1e-5 ? v.toPrecision(3) : v.toExponential(2);
const headName = head => head < 0 ? "Mean" : "Head " + (head + 1);
const headWords = (head, heads) => head < 0 ? `mean of ${heads} heads` : "head " + (head + 1);

// unpack gives the maps that Pack packed, by group and head; head -1 is the mean
// of all. A map's scale may be too narrow to tell weights from rounding: flat.
const flat = (low, high) => high - low <= data.flatness * high;
async function unpack(text, groups, heads, rows, cols) {
  const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const bytes = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const count = groups * heads, cells = rows * cols, size = count * cells, known = new Map();
  if (bytes.byteLength !== 8 * count + size * (data.levels > 255 ? 2 : 1)) throw new Error("maps are cut short");
  const ends = new DataView(bytes), steps = new Uint8Array(bytes, 8 * count), all = [...Array(heads).keys()];
  function one(at) {
    const low = ends.getFloat32(8 * at, true), step = (ends.getFloat32(8 * at + 4, true) - low) / data.levels;
    return Float32Array.from({ length: cells }, (_, i) => low + step * (steps[at * cells + i] + 256 * (steps[size + at * cells + i] || 0)));
  }
  function mean(maps) {
    return Float32Array.from({ length: cells }, (_, i) => maps.reduce((sum, m) => sum + m.values[i], 0) / heads);
  }
  return function map(group, head) {
    const key = group + "," + head;
    if (!known.has(key)) {
      const values = head < 0 ? mean(all.map(head => map(group, head))) : one(group * heads + head);
      const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
      known.set(key, { values, low, high, rows, cols, flat: flat(low, high) });
    }
    return known.get(key);
  };
}

// Cubic interpolation as the printed figures have it (OpenCV's, a = -0.75):
// four weights and four cells for each of n*factor places.
const taps = {};
function tapsOf(n, factor) {
  const a = -0.75, near = d => ((a + 2) * d - (a + 3)) * d * d + 1, far = d => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return taps[[n, factor]] ||= Array.from({ length: n * factor }, (_, i) => {
    const x = (i + 0.5) / factor - 0.5, from = Math.floor(x), t = x - from;
    return [[far(t + 1), near(t), near(1 - t), far(2 - t)], [-1, 0, 1, 2].map(k => Math.min(n - 1, Math.max(0, from + k)))];
  });
}
function enlarge({ values, rows, cols }, factor) {
  if (factor === 1) return values;
  const w = cols * factor, wide = new Float32Array(rows * w), out = new Float32Array(rows * factor * w);
  const across = tapsOf(cols, factor), down = tapsOf(rows, factor);
  for (let y = 0; y < rows; y++) for (let x = 0; x < w; x++) {
    const [k, at] = across[x], o = y * cols;
    wide[y * w + x] = k[0] * values[o + at[0]] + k[1] * values[o + at[1]] + k[2] * values[o + at[2]] + k[3] * values[o + at[3]];
  }
  for (let y = 0; y < rows * factor; y++) {
    const [k, at] = down[y];
    for (let x = 0; x < w; x++) out[y * w + x] = k[0] * wide[at[0] * w + x] + k[1] * wide[at[1] * w + x] + k[2] * wide[at[2] * w + x] + k[3] * wide[at[3] * w + x];
  }
  return out;
}

// look is how maps are drawn now; controls let it be changed by those of the
// template "look".
const look = data && { colours: data.colormap, smooth: data.smooth, same: data.sameScale }, tables = { fade: null };
for (const [key, digits] of Object.entries(data?.colormaps || {})) tables[key] = Uint8Array.from(digits.match(/../g), d => parseInt(d, 16));
function controls(redraw) {
  for (const key of Object.keys(tables)) option($("colours"), key === "fade" ? "fade: the picture's own" : key, key, key === look.colours);
  $("colours").onchange = () => { look.colours = $("colours").value; redraw(); };
  for (const key of ["smooth", "same"]) {
    $(key).checked = look[key];
    $(key).onchange = () => { look[key] = $(key).checked; redraw(); };
  }
  $("opacity").value = 100 * data.opacity;
  $("opacity").oninput = () => root.style.setProperty("--opacity", $("opacity").value / 100);
  $("opacity").oninput();
  $("opacity").form.onsubmit = event => event.preventDefault();
}

// over puts a picture and a canvas for its map into a box, and returns the canvas.
function over(box, src, width, height) {
  box.classList.add("over");
  Object.assign(element("img", "", box), { src, width, height, alt: "", draggable: false });
  return element("canvas", "", box);
}
function colour(canvas, width, height, values, low, high) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height), table = tables[look.colours];
  // Faded, a picture keeps its colours where the weight is greatest, and is the paler the less there is.
  if (!table) values.forEach((v, i) => {
    image.data.fill(238, 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255 * (1 - Math.sqrt(Math.max(0, Math.min(1, (v - low) / (high - low)))));
  });
  else values.forEach((v, i) => {
    const c = 3 * Math.max(0, Math.min(255, Math.round(255 * (v - low) / (high - low))));
    image.data[4 * i] = table[c];
    image.data[4 * i + 1] = table[c + 1];
    image.data[4 * i + 2] = table[c + 2];
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}
// paint draws a map between two ends of the scale, for a canvas shown so wide. It
// leaves the picture undyed where the scale is flat.
function paint(canvas, map, [low, high], width) {
  const factor = look.smooth ? Math.max(1, Math.min(16, Math.ceil(width / map.cols))) : 1;
  canvas.style.imageRendering = look.smooth ? "auto" : "pixelated";
  if (flat(low, high)) canvas.width = canvas.height = 1;
  else colour(canvas, map.cols * factor, map.rows * factor, enlarge(map, factor), low, high);
}
// limits are the ends of the scale of a map, alone or among all that are shown.
function limits(map, shown) {
  const maps = look.same ? shown() : [map];
  return [Math.min(...maps.map(m => m.low)), Math.max(...maps.map(m => m.high))];
}
