(() => {
  class Card {
    constructor(details) {
      this.details = details;
      this.picture = data.pictures[+details.dataset.place];
      this.canvas = details.querySelector("summary canvas");
      this.img = details.querySelector("summary img");
      this.inside = details.querySelector(".inside");
      details.addEventListener("toggle", () => { if (details.open) this.open().catch(tell); });
      if (details.open) this.open().catch(tell); // kept open by the browser when it loads the page again
    }
    async map() {
      const { classes, heads, rows, cols, maps } = this.picture;
      return this.maps ||= await unpack(maps, classes.length, heads, rows, cols);
    }
    async thumb() {
      const map = await this.map(), m = map(this.picture.first, -1);
      paint(this.canvas, m, [m.low, m.high], 240);
    }
    over(parent) {
      const { src, attributes } = this.img;
      return over(element("span", "", parent), src, attributes.width.value, attributes.height.value);
    }
    async open() {
      await this.map();
      if (!this.views) this.build();
      this.draw();
    }
    build() {
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
      const shown = () => this.views.filter(v => v.head >= 0).map(v => this.maps(v.place, v.head));
      for (const v of this.views) {
        const m = this.maps(v.place, v.head);
        paint(v.canvas, m, limits(m, shown), 120);
        v.label.textContent = headName(v.head) + (m.flat ? ", flat" : "");
        v.button.setAttribute("aria-pressed", v.place === this.chosen[0] && v.head === this.chosen[1]);
      }
      const [place, head] = this.chosen, m = this.maps(place, head);
      paint(this.large, m, limits(m, shown), 480);
      this.told.textContent = `${this.picture.classes[place].name}, ${headWords(head, this.picture.heads)}: ` +
        (m.flat ? `flat, every cell has ${number(m.high)}` : `weights from ${number(m.low)} to ${number(m.high)}`);
    }
  }
  const cards = [...document.querySelectorAll(".card")].map(details => new Card(details));

  // Thumbnails are drawn in the order in which they are seen.
  async function thumbs() {
    for (const card of cards) await card.thumb();
  }
  function redraw() {
    thumbs().catch(tell);
    for (const card of cards) card.draw();
  }
  controls(redraw);
  redraw();
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
