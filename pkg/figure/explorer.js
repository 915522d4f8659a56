(async () => {
  const { rows, cols, layers, heads, kept } = data;
  const cells = rows * cols;
  const state = { place: kept.indexOf(data.class), other: -1, layer: data.layer, head: -1, cell: 0, held: false };
  const packed = await Promise.all(data.maps.map(text => unpack(text, layers, heads, rows, cols)));
  const all = [...Array(heads).keys()];
  // map gives the weights of a class (by its place in kept), a layer and a head.
  const map = (place, layer, head) => packed[place](layer, head);
  const lacking = data.names.length - kept.length;
  const name = place => data.names[kept[place]];
  const places = () => state.other < 0 ? [state.place] : [state.place, state.other];
  const shown = () => places().flatMap(place => all.map(head => map(place, state.layer, head)));
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
    const box = element("div", "", figure), canvas = over(box, data.photo, shape.width, shape.height), cell = element("div", "", box);
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
      const button = element("button", "", thumbs), small = over(element("div", "", button), data.photo, shape.width, shape.height);
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
        const m = map(place, state.layer, state.head), ends = limits(m, shown);
        told.textContent = `layer ${state.layer + 1}, ${headWords(state.head, heads)}` + (m.flat ? `: flat, every cell has ${number(m.high)}` : "");
        box.setAttribute("aria-label", `Picture with the attention for ${name(place)}, ${told.textContent}`);
        paint(canvas, m, ends, 480);
        [low.textContent, high.textContent] = ends.map(number);
        scale.style.visibility = flat(...ends) ? "hidden" : "";
        scale.setAttribute("aria-label", `Colours from ${low.textContent} to ${high.textContent}`);
        colour(strip, 256, 1, [...Array(256).keys()], 0, 255);
        for (const { head, button, small, label } of buttons) {
          const m = map(place, state.layer, head);
          paint(small, m, limits(m, shown), 120);
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
    const best = rank($("classes"), `Classes${lacking ? " with maps" : ""}, ${headWords(state.head, heads)}`,
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
  controls(draw);

  $("best").textContent = `${data.names[data.order[0]]}, ${percent(data.probabilities[data.order[0]])}`;
  $("facts").textContent = [data.image, `${data.width} × ${data.height} pixels`, `${data.names.length} classes` + (lacking ? `, ${kept.length} of them with maps in this page` : ""),
    `${layers} decoder layers of ${heads} heads`, `maps of ${rows} × ${cols} cells`].filter(Boolean).join(" · ");
  $("even").textContent = `The weights of a map sum to 1; spread evenly, each cell would have ${number(1 / cells)}.`;
  const shape = new Image();
  shape.src = data.photo;
  await shape.decode();
  $("views").style.setProperty("--aspect", shape.width / shape.height);
  listClasses();
  $("page").hidden = false;
  const first = map(state.place, state.layer, state.head);
  state.cell = first.values.indexOf(first.high); // where it looks most
  rebuild();
})().catch(tell);
