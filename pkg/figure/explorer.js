"use strict";
(async () => {
  const $ = id => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const { rows, cols, layers, heads, kept } = data;
  const cells = rows * cols;
  const state = { place: kept.indexOf(data.class), other: -1, layer: data.layer, head: -1, cell: 0, held: false, colours: data.colormap, smooth: data.smooth, same: data.sameScale };

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
    document.documentElement.classList.toggle("dark", dark);
    document.documentElement.style.setProperty("--page", page);
  }
  theme();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
  if (frame) {
    new MutationObserver(theme).observe(frame.ownerDocument.body, { attributes: true });
    new ResizeObserver(() => { frame.style.height = Math.ceil(document.body.getBoundingClientRect().height) + "px"; }).observe(document.body);
  }

  if (typeof DecompressionStream === "undefined") {
    $("message").textContent = "This browser cannot unpack the maps of this page: it needs Chrome or Edge 80, Firefox 113, Safari 16.4, or newer.";
    $("message").hidden = false;
    return;
  }

  // A class's maps: the least and the greatest weight of each, then how many of
  // data.levels steps every weight is above the least; low bytes before high bytes.
  const packed = await Promise.all(data.maps.map(text => {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }));
  function unpack(place, layer, head) {
    const bytes = packed[place], count = layers * heads, at = layer * heads + head;
    const ends = new DataView(bytes, 8 * at), steps = new Uint8Array(bytes, 8 * count);
    const low = ends.getFloat32(0, true), step = (ends.getFloat32(4, true) - low) / data.levels;
    return Float32Array.from({ length: cells }, (_, i) => low + step * (steps[at * cells + i] + 256 * steps[(count + at) * cells + i]));
  }
  const all = [...Array(heads).keys()];
  function mean(place, layer) {
    const maps = all.map(head => map(place, layer, head).values);
    return Float32Array.from({ length: cells }, (_, i) => maps.reduce((sum, m) => sum + m[i], 0) / heads);
  }
  // map gives the weights of a class (by its place in kept), a layer and a head;
  // head -1 is the mean of all.
  const known = new Map();
  function map(place, layer, head) {
    const key = [place, layer, head].join();
    if (!known.has(key)) {
      const values = head < 0 ? mean(place, layer) : unpack(place, layer, head);
      const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
      known.set(key, { values, low, high, flat: flat(low, high) });
    }
    return known.get(key);
  }
  const flat = (low, high) => high - low <= data.flatness * high;

  const lacking = data.names.length - kept.length;
  const name = place => data.names[kept[place]];
  const percent = p => p >= 0.9995 ? "100 %" : p >= 0.0995 ? (100 * p).toFixed(1) + " %" : p >= 0.00005 ? (100 * p).toFixed(2) + " %" : "< 0.01 %";
  const number = v => v === 0 ? "0" : v >= 1e-5 ? v.toPrecision(3) : v.toExponential(2);
  const headName = head => head < 0 ? "Mean" : "Head " + (head + 1);
  const headWords = head => head < 0 ? `mean of ${heads} heads` : "head " + (head + 1);
  const places = () => state.other < 0 ? [state.place] : [state.place, state.other];
  function element(tag, text, parent) {
    const e = document.createElement(tag);
    e.textContent = text;
    parent.append(e);
    return e;
  }

  // Cubic interpolation as the printed figures have it (OpenCV's, a = -0.75):
  // four weights and four cells for each of n*factor places.
  const taps = [];
  function tapsOf(n, factor) {
    const a = -0.75, near = d => ((a + 2) * d - (a + 3)) * d * d + 1, far = d => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    return taps[[n, factor]] ||= Array.from({ length: n * factor }, (_, i) => {
      const x = (i + 0.5) / factor - 0.5, from = Math.floor(x), t = x - from;
      return [[far(t + 1), near(t), near(1 - t), far(2 - t)], [-1, 0, 1, 2].map(k => Math.min(n - 1, Math.max(0, from + k)))];
    });
  }
  function enlarge(values, factor) {
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

  const tables = {};
  for (const [key, digits] of Object.entries(data.colormaps)) tables[key] = Uint8Array.from(digits.match(/../g), d => parseInt(d, 16));
  function colour(canvas, width, height, values, low, high) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d"), image = context.createImageData(width, height), table = tables[state.colours];
    values.forEach((v, i) => {
      const c = 3 * Math.max(0, Math.min(255, Math.round(255 * (v - low) / (high - low))));
      image.data[4 * i] = table[c];
      image.data[4 * i + 1] = table[c + 1];
      image.data[4 * i + 2] = table[c + 2];
      image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
  }
  // paint leaves the picture undyed where the scale is too narrow to tell weights from rounding.
  function paint(canvas, values, [low, high], width) {
    const factor = state.smooth ? Math.max(1, Math.min(16, Math.ceil(width / cols))) : 1;
    canvas.style.imageRendering = state.smooth ? "auto" : "pixelated";
    if (flat(low, high)) canvas.width = canvas.height = 1;
    else colour(canvas, cols * factor, rows * factor, enlarge(values, factor), low, high);
  }
  function limits(m) {
    if (!state.same) return [m.low, m.high];
    const shown = places().flatMap(place => all.map(head => map(place, state.layer, head)));
    return [Math.min(...shown.map(m => m.low)), Math.max(...shown.map(m => m.high))];
  }

  function photo(box) {
    box.classList.add("over");
    Object.assign(element("img", "", box), { src: data.photo, alt: "", draggable: false });
    return element("canvas", "", box);
  }
  function move(row, col) {
    state.cell = Math.min(rows - 1, Math.max(0, row)) * cols + Math.min(cols - 1, Math.max(0, col));
  }
  function pointable(box) {
    const to = event => {
      const r = box.getBoundingClientRect();
      move(Math.floor((event.clientY - r.top) / r.height * rows), Math.floor((event.clientX - r.left) / r.width * cols));
      point();
    };
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    box.onpointermove = event => { if (!state.held) to(event); };
    box.onclick = event => { state.held = !state.held; to(event); };
    box.onkeydown = event => {
      if (event.key in steps) move(Math.floor(state.cell / cols) + steps[event.key][0], state.cell % cols + steps[event.key][1]);
      else if (event.key === "Enter" || event.key === " ") state.held = !state.held;
      else if (event.key === "Escape") state.held = false;
      else return;
      event.preventDefault();
      point();
    };
  }

  // A view is one class over the picture, with its heads below.
  function view(place) {
    const figure = element("figure", "", $("views")), caption = element("figcaption", "", figure);
    element("b", name(place), caption);
    caption.append(percent(data.probabilities[kept[place]]));
    const told = element("span", "", caption);
    told.setAttribute("role", "status");
    const box = element("div", "", figure), canvas = photo(box), cell = element("div", "", box);
    box.classList.add("picture");
    box.tabIndex = 0;
    box.setAttribute("role", "application");
    cell.className = "cell";
    pointable(box);
    const scale = element("div", "", figure);
    scale.className = "scale";
    scale.setAttribute("role", "img");
    const low = element("span", "", scale), strip = element("canvas", "", scale), high = element("span", "", scale);
    const thumbs = element("div", "", figure);
    thumbs.className = "thumbs";
    thumbs.setAttribute("role", "group");
    thumbs.setAttribute("aria-label", "Heads, for " + name(place));
    const buttons = [-1, ...all].map(head => {
      const button = element("button", "", thumbs), small = photo(element("div", "", button));
      button.type = "button";
      button.onclick = () => { state.head = head; draw(); };
      return { head, button, small, label: element("span", "", button) };
    });
    return {
      fit() { // rows of the same length
        const most = Math.max(1, Math.floor((thumbs.clientWidth + 4) / 60));
        const columns = Math.ceil(buttons.length / Math.ceil(buttons.length / most));
        thumbs.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 110px))`;
      },
      draw() {
        const m = map(place, state.layer, state.head), ends = limits(m);
        told.textContent = `layer ${state.layer + 1}, ${headWords(state.head)}` + (m.flat ? `: flat, every cell has ${number(m.high)}` : "");
        box.setAttribute("aria-label", `Picture with the attention for ${name(place)}, ${told.textContent}`);
        paint(canvas, m.values, ends, 480);
        [low.textContent, high.textContent] = ends.map(number);
        scale.style.visibility = flat(...ends) ? "hidden" : "";
        scale.setAttribute("aria-label", `Colours from ${low.textContent} to ${high.textContent}`);
        colour(strip, 256, 1, [...Array(256).keys()], 0, 255);
        for (const { head, button, small, label } of buttons) {
          const m = map(place, state.layer, head);
          paint(small, m.values, limits(m), 120);
          label.textContent = headName(head) + (m.flat ? ", flat" : "");
          button.setAttribute("aria-pressed", head === state.head);
        }
      },
      point() {
        box.classList.toggle("held", state.held);
        Object.assign(cell.style, { left: 100 * (state.cell % cols) / cols + "%", top: 100 * Math.floor(state.cell / cols) / rows + "%", width: 100 / cols + "%", height: 100 / rows + "%" });
      },
    };
  }

  // rank shows the best eight and the chosen of { name, value, chosen }, and returns the best.
  function rank(parent, caption, lines) {
    const table = element("table", "", parent);
    element("caption", caption, table);
    lines.sort((a, b) => b.value - a.value);
    lines.forEach(({ name, value, chosen }, i) => {
      if (i >= 8 && !chosen) return;
      const row = element("tr", "", table);
      row.classList.toggle("chosen", chosen);
      element("td", i + 1, row);
      const label = element("th", name, row);
      Object.assign(label, { scope: "row", title: name });
      label.style.setProperty("--part", 100 * value / (lines[0].value || 1) + "%");
      element("td", number(value), row);
    });
    return lines[0];
  }
  let views = [];
  function point() {
    views.forEach(v => v.point());
    const value = (place, head) => map(place, state.layer, head).values[state.cell];
    $("heads").replaceChildren();
    $("classes").replaceChildren();
    const [head] = places().map(place => rank($("heads"), `Heads of layer ${state.layer + 1}, for ${name(place)}`,
      all.map(head => ({ name: headName(head), value: value(place, head), chosen: head === state.head }))));
    const best = rank($("classes"), `Classes${lacking ? " with maps" : ""}, ${headWords(state.head)}`,
      kept.map((_, place) => ({ name: name(place), value: value(place, state.head), chosen: places().includes(place) })));
    $("where").textContent = [`Row ${Math.floor(state.cell / cols) + 1}, column ${state.cell % cols + 1}${state.held ? " (held)" : ""}`,
      ...places().map(place => `${name(place)}: ${number(value(place, state.head))}`)].join("\n");
    element("span", `. Most: ${head.name} with ${number(head.value)}, ${best.name} with ${number(best.value)}.`, $("where")).className = "heard";
  }
  function draw() { views.forEach(v => v.draw()); point(); }
  function fit() { views.forEach(v => v.fit()); }
  addEventListener("resize", fit);
  function rebuild() {
    $("views").replaceChildren();
    views = places().map(view);
    fit();
    draw();
  }

  function option(parent, text, value, chosen) {
    Object.assign(element("option", text, parent), { value, selected: chosen });
  }
  function listClasses() {
    const wanted = $("filter").value.trim().toLowerCase(), found = data.order.filter(c => data.names[c].toLowerCase().includes(wanted));
    $("class").replaceChildren();
    $("missing").textContent = found.length ? "" : "No class has that in its name.";
    for (const [label, classes] of [["with maps", found.filter(c => kept.includes(c))], ["without maps in this page", found.filter(c => !kept.includes(c))]]) {
      if (!classes.length) continue;
      const group = element("optgroup", "", $("class"));
      group.label = `${classes.length} ${label}`;
      group.disabled = !kept.includes(classes[0]);
      for (const c of classes) option(group, `${data.names[c]}  ${percent(data.probabilities[c])}`, kept.indexOf(c), c === kept[state.place]);
    }
  }
  $("filter").oninput = listClasses;
  $("filter").onkeydown = event => {
    const first = $("class").options[0];
    if (event.key !== "Enter" || !first) return;
    if (first.parentElement.disabled) $("missing").textContent = `The maps of ${first.textContent.split("  ")[0]} are not in this page.`;
    else { first.selected = true; $("class").onchange(); }
  };
  $("class").onchange = () => {
    if ($("class").value === "") return;
    state.place = +$("class").value;
    if (state.other === state.place) $("other").value = state.other = -1;
    rebuild();
  };
  option($("other"), "no other class", -1);
  kept.forEach((_, place) => option($("other"), name(place), place));
  $("other").onchange = () => {
    state.other = +$("other").value === state.place ? -1 : +$("other").value;
    $("other").value = state.other;
    rebuild();
  };
  for (let layer = 0; layer < layers; layer++) {
    const label = element("label", "", $("layers")), radio = element("input", "", label);
    Object.assign(radio, { type: "radio", name: "layer", value: layer, checked: layer === state.layer, onchange: () => { state.layer = layer; draw(); } });
    element("span", layer + 1, label);
  }
  $("opacity").value = 100 * data.opacity;
  $("opacity").oninput = () => $("views").style.setProperty("--opacity", $("opacity").value / 100);
  for (const key of Object.keys(tables)) option($("colours"), key, key, key === state.colours);
  $("colours").onchange = () => { state.colours = $("colours").value; draw(); };
  for (const key of ["smooth", "same"]) {
    $(key).checked = state[key];
    $(key).onchange = () => { state[key] = $(key).checked; draw(); };
  }
  $("choices").onsubmit = event => event.preventDefault();

  $("best").textContent = `${data.names[data.order[0]]}, ${percent(data.probabilities[data.order[0]])}`;
  $("facts").textContent = [data.image, `${data.width} × ${data.height} pixels`, `${data.names.length} classes` + (lacking ? `, ${kept.length} of them with maps in this page` : ""),
    `${layers} decoder layers of ${heads} heads`, `maps of ${rows} × ${cols} cells`].filter(Boolean).join(" · ");
  $("even").textContent = `The weights of a map sum to 1; spread evenly, each cell would have ${number(1 / cells)}.`;
  const shape = new Image();
  shape.src = data.photo;
  await shape.decode();
  $("views").style.setProperty("--aspect", shape.width / shape.height);
  listClasses();
  $("opacity").oninput();
  $("page").hidden = false;
  const first = map(state.place, state.layer, state.head);
  state.cell = first.values.indexOf(first.high); // where it looks most
  rebuild();
})().catch(problem => {
  const message = document.getElementById("message");
  message.textContent = "This page is damaged, so its maps cannot be shown: " + problem.message;
  message.hidden = false;
});
