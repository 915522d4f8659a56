"use strict";
(async () => {
  const $ = id => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const { rows, cols, layers, heads, kept } = data;
  const cells = rows * cols;

  // The theme is the notebook's where this page is in one, else the system's.
  const theme = () => {
    let dark = matchMedia("(prefers-color-scheme: dark)").matches;
    try {
      const body = parent.document.body, light = body.dataset.jpThemeLight || body.dataset.vscodeThemeKind;
      if (parent !== window && light) dark = light === "false" || /dark|high-contrast$/.test(light);
      else if (parent !== window) dark = false; // an exported page is white
    } catch { /* a page of another origin keeps its theme to itself */ }
    document.documentElement.classList.toggle("dark", dark);
  };
  theme();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
  try {
    if (parent !== window) new MutationObserver(theme).observe(parent.document.body, { attributes: true });
    if (window.frameElement) {
      const fit = () => { window.frameElement.style.height = Math.ceil(document.body.getBoundingClientRect().height) + "px"; };
      new ResizeObserver(fit).observe(document.body);
    }
  } catch { /* likewise */ }

  const say = text => { $("message").textContent = text; $("message").hidden = false; };
  if (typeof DecompressionStream === "undefined") {
    say("This browser cannot unpack the maps of this page: it needs Chrome or Edge 80, Firefox 113, Safari 16.4, or newer.");
    return;
  }

  // The maps: the least and the greatest weight of each, then where between them
  // every weight is, in data.levels steps; all low bytes before all high bytes.
  const packed = Uint8Array.from(atob(data.maps), c => c.charCodeAt(0));
  const bytes = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const count = kept.length * layers * heads;
  const ends = new DataView(bytes), steps = new Uint8Array(bytes, 8 * count);
  const cache = new Map();
  // map gives the weights of a class (by its place in kept), a layer and a head;
  // head -1 is the mean of all.
  function map(place, layer, head) {
    const key = [place, layer, head].join();
    let m = cache.get(key);
    if (m) return m;
    const values = new Float32Array(cells);
    if (head < 0) {
      for (let h = 0; h < heads; h++) map(place, layer, h).values.forEach((v, i) => { values[i] += v / heads; });
    } else {
      const at = (place * layers + layer) * heads + head, low = ends.getFloat32(8 * at, true), high = ends.getFloat32(8 * at + 4, true);
      for (let i = 0; i < cells; i++) values[i] = low + (high - low) / data.levels * (steps[at * cells + i] + 256 * steps[(count + at) * cells + i]);
    }
    const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    m = { values, low, high, flat: high - low <= data.flatness * high };
    cache.set(key, m);
    return m;
  }

  const state = { place: data.first, other: -1, layer: data.layer, head: -1, opacity: 0.6, colours: data.colormap, smooth: true, same: false, cell: -1, held: false };
  const name = place => data.names[kept[place]];
  const percent = p => p >= 0.9995 ? "100 %" : p >= 0.0995 ? (100 * p).toFixed(1) + " %" : (100 * p).toPrecision(2) + " %";
  const number = v => v === 0 ? "0" : v >= 0.001 ? v.toPrecision(3) : v.toExponential(2);
  const headName = head => head < 0 ? "All heads" : "Head " + (head + 1);
  const element = (tag, text, parent) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (parent) parent.append(e);
    return e;
  };

  // Cubic interpolation as the printed figures have it (OpenCV's, a = -0.75),
  // from one line of n values to n*factor.
  function taps(n, factor) {
    const a = -0.75, all = [];
    for (let i = 0; i < n * factor; i++) {
      const x = (i + 0.5) / factor - 0.5, from = Math.floor(x), t = x - from;
      const near = d => ((a + 2) * d - (a + 3)) * d * d + 1, far = d => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
      all.push([[far(t + 1), near(t), near(1 - t), far(2 - t)], [-1, 0, 1, 2].map(k => Math.min(n - 1, Math.max(0, from + k)))]);
    }
    return all;
  }
  const known = {};
  const tapsOf = (n, factor) => known[n + "," + factor] ||= taps(n, factor);
  function enlarge(values, factor) {
    if (factor === 1) return values;
    const w = cols * factor, tall = new Float32Array(rows * w), out = new Float32Array(rows * factor * w);
    const across = tapsOf(cols, factor), down = tapsOf(rows, factor);
    for (let y = 0; y < rows; y++) for (let x = 0; x < w; x++) {
      const [k, at] = across[x], o = y * cols;
      tall[y * w + x] = k[0] * values[o + at[0]] + k[1] * values[o + at[1]] + k[2] * values[o + at[2]] + k[3] * values[o + at[3]];
    }
    for (let y = 0; y < rows * factor; y++) {
      const [k, at] = down[y];
      for (let x = 0; x < w; x++) out[y * w + x] = k[0] * tall[at[0] * w + x] + k[1] * tall[at[1] * w + x] + k[2] * tall[at[2] * w + x] + k[3] * tall[at[3] * w + x];
    }
    return out;
  }
  const tables = {};
  for (const [key, digits] of Object.entries(data.colormaps)) tables[key] = Uint8Array.from(digits.match(/../g), d => parseInt(d, 16));
  function paint(canvas, m, limits, factor) {
    canvas.width = cols * factor;
    canvas.height = rows * factor;
    canvas.style.imageRendering = state.smooth ? "auto" : "pixelated";
    const context = canvas.getContext("2d");
    if (m.flat) { context.clearRect(0, 0, canvas.width, canvas.height); return; }
    const image = context.createImageData(canvas.width, canvas.height), table = tables[state.colours], [low, high] = limits;
    enlarge(m.values, factor).forEach((v, i) => {
      const c = 3 * Math.max(0, Math.min(255, Math.round(255 * (v - low) / (high - low))));
      image.data.set([table[c], table[c + 1], table[c + 2], 255 * state.opacity], 4 * i);
    });
    context.putImageData(image, 0, 0);
  }

  const places = () => state.other < 0 ? [state.place] : [state.place, state.other];
  function limitsOf(m) {
    if (!state.same) return [m.low, m.high];
    const all = places().flatMap(p => [...Array(heads).keys()].map(h => map(p, state.layer, h)));
    return [Math.min(...all.map(x => x.low)), Math.max(...all.map(x => x.high))];
  }

  // A view is one class over the picture, with its heads below.
  function view(place) {
    const figure = element("figure", undefined, $("views")), caption = element("figcaption", undefined, figure);
    element("b", name(place), caption);
    element("em", percent(data.probabilities[kept[place]]), caption).style.fontStyle = "normal";
    const told = element("span", "", caption);
    const box = element("div", undefined, figure);
    box.className = "picture";
    box.tabIndex = 0;
    box.setAttribute("role", "application");
    const photo = element("img", undefined, box), canvas = element("canvas", undefined, box), cell = element("div", undefined, box);
    photo.src = data.photo;
    photo.alt = "";
    cell.className = "cell";
    const scale = element("div", undefined, figure);
    scale.className = "scale";
    const low = element("span", "", scale), strip = element("canvas", undefined, scale), high = element("span", "", scale);
    strip.width = 256;
    strip.height = 1;
    const thumbs = element("div", undefined, figure);
    thumbs.className = "thumbs";
    thumbs.setAttribute("role", "group");
    thumbs.setAttribute("aria-label", "Heads, for " + name(place));
    const buttons = [];
    for (let head = -1; head < heads; head++) {
      const button = element("button", undefined, thumbs), small = element("div", undefined, button);
      button.type = "button";
      const image = element("img", undefined, small);
      image.src = data.photo;
      image.alt = "";
      buttons.push([head, button, element("canvas", undefined, small)]);
      element("span", headName(head), button);
      button.onclick = () => { state.head = head; draw(); };
    }
    const at = event => {
      const r = box.getBoundingClientRect();
      const x = Math.floor((event.clientX - r.left) / r.width * cols), y = Math.floor((event.clientY - r.top) / r.height * rows);
      return Math.min(rows - 1, Math.max(0, y)) * cols + Math.min(cols - 1, Math.max(0, x));
    };
    box.onpointermove = event => { if (!state.held) { state.cell = at(event); point(); } };
    box.onclick = event => { state.held = !state.held; state.cell = at(event); point(); };
    box.onkeydown = event => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (event.key === "Escape") state.held = false;
      else if (event.key === "Enter" || event.key === " ") state.held = !state.held;
      else if (!step) return;
      event.preventDefault();
      if (step && state.cell < 0) state.cell = Math.floor(rows / 2) * cols + Math.floor(cols / 2);
      else if (step) {
        const y = Math.floor(state.cell / cols) + step[0], x = state.cell % cols + step[1];
        state.cell = Math.min(rows - 1, Math.max(0, y)) * cols + Math.min(cols - 1, Math.max(0, x));
      }
      point();
    };
    return {
      draw() {
        const m = map(place, state.layer, state.head), limits = limitsOf(m);
        const what = `layer ${state.layer + 1}, ${headName(state.head).toLowerCase()}`;
        told.textContent = m.flat ? `${what}: flat, every cell has ${number(m.high)}` : what;
        box.setAttribute("aria-label", `Picture with the attention for ${name(place)}, ${told.textContent}. Arrow keys move the spot, Enter holds it.`);
        paint(canvas, m, limits, state.smooth ? Math.max(1, Math.min(16, Math.ceil(480 / cols))) : 1);
        low.textContent = number(limits[0]);
        high.textContent = number(limits[1]);
        const context = strip.getContext("2d"), image = context.createImageData(256, 1), table = tables[state.colours];
        for (let i = 0; i < 256; i++) image.data.set([table[3 * i], table[3 * i + 1], table[3 * i + 2], 255], 4 * i);
        context.putImageData(image, 0, 0);
        for (const [head, button, small] of buttons) {
          const thumb = map(place, state.layer, head);
          paint(small, thumb, limitsOf(thumb), state.smooth ? 4 : 1);
          button.setAttribute("aria-pressed", head === state.head);
        }
      },
      point() {
        box.classList.toggle("held", state.held);
        cell.hidden = state.cell < 0;
        if (state.cell < 0) return;
        Object.assign(cell.style, { left: 100 * (state.cell % cols) / cols + "%", top: 100 * Math.floor(state.cell / cols) / rows + "%", width: 100 / cols + "%", height: 100 / rows + "%" });
      },
    };
  }

  function list(table, caption, lines) {
    table.caption.textContent = caption;
    const body = table.tBodies[0];
    body.replaceChildren();
    const most = Math.max(...lines.map(l => l.value), 1e-30);
    for (const line of lines.sort((a, b) => b.value - a.value)) {
      const row = element("tr", undefined, body);
      row.classList.toggle("chosen", line.chosen);
      const first = element("td", line.name, row);
      first.title = line.name;
      first.style.setProperty("--part", 100 * line.value / most + "%");
      element("td", number(line.value), row);
    }
  }

  let views = [];
  function point() {
    views.forEach(v => v.point());
    if (state.cell < 0) return;
    const y = Math.floor(state.cell / cols), x = state.cell % cols, i = state.cell;
    $("where").textContent = `Row ${y + 1} of ${rows}, column ${x + 1} of ${cols}: ` +
      places().map(p => `${name(p)} ${number(map(p, state.layer, state.head).values[i])}`).join(", ") + (state.held ? " (held)" : "");
    list($("heads"), `Heads of layer ${state.layer + 1}, for ${name(state.place)}`,
      [...Array(heads).keys()].map(h => ({ name: headName(h), value: map(state.place, state.layer, h).values[i], chosen: h === state.head })));
    list($("classes"), `Classes, ${headName(state.head).toLowerCase()} of layer ${state.layer + 1}`,
      kept.map((_, p) => ({ name: name(p), value: map(p, state.layer, state.head).values[i], chosen: places().includes(p) })));
    const body = $("classes").tBodies[0];
    while (body.rows.length > 10) body.deleteRow(-1);
  }
  function draw() { views.forEach(v => v.draw()); point(); }
  function rebuild() {
    $("views").replaceChildren();
    views = places().map(view);
    draw();
  }

  $("best").textContent = `${data.names[data.order[0]]}, ${percent(data.probabilities[data.order[0]])}`;
  $("facts").textContent = [data.image, `${data.width} × ${data.height} pixels`, `${data.names.length} classes`, `${layers} decoder layers of ${heads} heads`, `maps of ${rows} × ${cols} cells`].filter(Boolean).join(" · ");
  function fill() {
    const wanted = $("filter").value.trim().toLowerCase(), select = $("class");
    select.replaceChildren();
    for (const c of data.order) {
      if (!data.names[c].toLowerCase().includes(wanted)) continue;
      const place = kept.indexOf(c), option = element("option", `${data.names[c]}  ${percent(data.probabilities[c])}`, select);
      option.value = place;
      option.disabled = place < 0;
      option.selected = place === state.place;
    }
    if (!select.options.length) element("option", "no class has that in its name", select).disabled = true;
  }
  fill();
  $("filter").oninput = fill;
  $("filter").onkeydown = event => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = [...$("class").options].find(o => !o.disabled);
    if (first) { $("class").value = first.value; $("class").onchange(); }
  };
  $("class").onchange = () => {
    if ($("class").value === "") return;
    state.place = +$("class").value;
    if (state.other === state.place) { state.other = -1; $("other").value = -1; }
    rebuild();
  };
  const lacking = data.names.length - kept.length;
  $("missing").textContent = lacking ? `${kept.length} classes have their maps in this page; the ${lacking} in grey are ranked only.` : "";
  element("option", "no other class", $("other")).value = -1;
  kept.forEach((_, place) => { element("option", name(place), $("other")).value = place; });
  $("other").onchange = () => { state.other = +$("other").value === state.place ? -1 : +$("other").value; $("other").value = state.other; rebuild(); };
  for (let layer = 0; layer < layers; layer++) {
    const label = element("label", undefined, $("layers")), radio = element("input", undefined, label);
    Object.assign(radio, { type: "radio", name: "layer", value: layer, checked: layer === state.layer });
    element("span", layer + 1, label);
    radio.onchange = () => { state.layer = layer; draw(); };
  }
  $("opacity").oninput = () => { state.opacity = $("opacity").value / 100; draw(); };
  for (const key of Object.keys(tables)) element("option", key, $("colours")).selected = key === state.colours;
  $("colours").onchange = () => { state.colours = $("colours").value; draw(); };
  $("smooth").onchange = () => { state.smooth = $("smooth").checked; draw(); };
  $("same").onchange = () => { state.same = $("same").checked; draw(); };
  $("choices").onsubmit = event => event.preventDefault();
  $("page").hidden = false;
  rebuild();
})().catch(problem => {
  const message = document.getElementById("message");
  message.textContent = "This page is damaged, so its maps cannot be shown: " + problem.message;
  message.hidden = false;
});
