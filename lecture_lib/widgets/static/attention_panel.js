// Одна модель: миниатюры голов, выбранная голова крупно, точные числа и таблица словами.
import { AttentionFigure, THINNEST } from "./attention_figure.js";
import { HeadGrid } from "./head_grid.js";
import { h, labelled, options, show } from "./dom.js";
import { decimal } from "./numbers.js";
import { bytes, floats, oncePerFrame, put, watch } from "./state.js";
import { onResize, saveButton } from "./canvas.js";

const FIELDS = [["layer", "head"], ["other_layer", "other_head"]];
const SHARED = ["panels", "exact", "scores", "hide_special", "look", "order"];
const WIDE = 520; // точек: на таком месте миниатюры и голова встают рядом
const NARROWEST = 210; // под подпись миниатюр
const [RIM, GAP] = [8, 12]; // поля холста под рамку фокуса и промежуток между столбцами
const MOST_ROWS = 128; // строк в таблице словами

export class AttentionPanel {
  constructor(model, index, say, signal) {
    Object.assign(this, { model, index, say, fields: FIELDS[index], cursor: [1, 1], version: 0 });
    this.#build();
    this.redraw = oncePerFrame(() => this.#draw());
    this.redrawPair = oncePerFrame(() => this.#drawFigure());
    watch(model, ["panels", "hide_special"], () => (this.version += 1), signal);
    watch(model, [...SHARED, ...this.fields], this.redraw, signal);
    onResize(this.node, this.redraw, signal);
    this.redraw();
  }

  #build() {
    this.title = h("h4", { class: "ll-title" });
    this.selects = this.fields.map((field) =>
      h("select", { onchange: (event) => put(this.model, { [field]: event.target.selectedIndex + 1 }) }),
    );
    this.grid = new HeadGrid("Миниатюры голов: стрелками выбирают слой и голову", (layer, head) => this.#pick(layer, head));
    const label = "Голова крупно: вверх и вниз — кто смотрит, влево и вправо — на кого";
    this.figure = new AttentionFigure(label, (pair, how) => this.#move(pair, how));
    this.value = h("p", { class: "ll-value" });
    this.caption = h("p", { class: "ll-note" });
    this.table = h("div", { class: "ll-scroll", tabIndex: 0, role: "group", "aria-label": "Таблица внимания" });
    const summary = h("summary", {}, "Та же голова таблицей");
    this.details = h("details", { ontoggle: () => this.#fillTable() }, summary, this.table);
    const [layer, head] = this.selects;
    const save = saveButton(this.figure.canvas, () => `внимание-${this.chosen.join("-")}.png`);
    this.choice = h("div", { class: "ll-choice" }, this.title, labelled("слой", layer), labelled("голова", head));
    this.left = h("div", {}, this.grid.node, this.caption);
    const below = h("div", { class: "ll-below" }, this.details, save);
    const right = h("div", { class: "ll-right" }, this.value, this.figure.node, below);
    this.both = h("div", { class: "ll-both" }, this.left, right);
    this.node = h("section", { class: "ll-panel" }, this.both);
  }

  get chosen() {
    return this.fields.map((field) => this.model.get(field));
  }

  get data() {
    return this.model.get("panels")[this.index];
  }

  #pick(layer, head) {
    put(this.model, { [this.fields[0]]: layer, [this.fields[1]]: head });
    this.say(`слой ${layer}, голова ${head}${this.#scoreText(layer, head)}`);
  }

  #move(pair, how) {
    if (how !== "click" && pair.every((token, i) => token === this.cursor[i])) return;
    this.cursor = pair;
    if (how !== "hover" && this.index === 0) put(this.model, { cursor: pair });
    const [layer, head] = this.chosen;
    if (how !== "hover") this.say(`слой ${layer}, голова ${head}, ${this.#pairText(2)}`);
    this.redrawPair();
  }

  #pairText(digits) {
    const [from, to] = this.cursor.map((token) => `«${this.data.tokens[token]}»`);
    return `из ${from} в ${to}: ${decimal(this.#share(...this.cursor), digits)}`;
  }

  // Доля из выбранной головы: точная, если ядро её уже прислало, иначе — из округлённых байтов.
  #share(from, to) {
    const place = from * this.size + to;
    return this.exact ? this.exact[place] : (this.rounded?.[place] ?? 0) / 255;
  }

  #read() {
    const { tokens, special, heads, first, weights } = this.data;
    this.size = tokens.length;
    const all = bytes(weights);
    const area = this.size * this.size;
    const count = all.length / (area * heads);
    this.weightsOf = (layer, head) => {
      const start = ((layer - first) * heads + head - 1) * area;
      return layer < first || layer >= first + count ? null : all.subarray(start, start + area);
    };
    const sent = this.model.get("exact")[this.index];
    const [layer, head] = this.chosen;
    const fits = sent?.layer === layer && sent.head === head && sent.weights.byteLength === 4 * area;
    this.exact = fits ? floats(sent.weights) : null;
    this.rounded = this.weightsOf(layer, head);
    const isHidden = (token) => this.model.get("hide_special") && special[token];
    this.shown = tokens.map((_, token) => token).filter((token) => !isHidden(token));
    this.cursor = this.cursor.map((token) => (this.shown.includes(token) ? token : this.shown[0]));
  }

  #draw() {
    const { data } = this;
    this.node.hidden = !data;
    if (!data || !this.node.clientWidth) return;
    this.#read();
    this.title.textContent = data.name;
    show(this.title, this.model.get("names").length > 1);
    this.#fillChoice(data);
    const width = Math.floor(this.node.clientWidth);
    const isWide = width >= WIDE;
    this.both.classList.toggle("ll-stacked", !isWide);
    const scene = this.#gridScene(data);
    this.grid.draw(scene, isWide ? Math.min(310, Math.floor(width * 0.4)) : width - RIM);
    const left = isWide ? Math.max(this.grid.width + RIM, NARROWEST) : width;
    this.left.style.width = `${left}px`;
    this.figureWidth = (isWide ? width - left - GAP : width) - RIM;
    this.caption.textContent = this.#captionText(data);
    this.#drawFigure();
    this.#fillTable();
  }

  // Мышь над головой двигает только пару: миниатюры и данные остаются прежними.
  #drawFigure() {
    if (!this.data || !this.figureWidth) return;
    this.figure.draw(this.#figureScene(this.data), this.figureWidth);
    this.value.textContent = this.#pairText(4);
  }

  #fillChoice({ layers, heads }) {
    [layers, heads].forEach((count, i) => {
      const names = Array.from({ length: count }, (_, number) => String(number + 1));
      if (this.selects[i].options.length !== count) options(this.selects[i], names, 0);
      this.selects[i].selectedIndex = this.chosen[i] - 1;
    });
  }

  #scores() {
    const scores = this.model.get("scores")[this.index];
    return scores?.shares && scores.probe === this.model.get("order") ? scores : null;
  }

  #scoreText(layer, head) {
    const scores = this.#scores();
    return scores ? `, мера ${decimal(scores.shares[layer - 1][head - 1])}` : "";
  }

  #gridScene({ layers, heads }) {
    const scores = this.#scores();
    const score = (layer, head) => scores.shares[layer - 1][head - 1];
    const places = Array.from({ length: layers * heads }, (_, i) => [Math.floor(i / heads) + 1, (i % heads) + 1]);
    return {
      layers,
      heads,
      score,
      chosen: this.chosen,
      sorted: scores && places.sort((a, b) => score(...b) - score(...a)),
      weights: this.weightsOf,
      size: this.size,
      shown: this.shown,
      version: this.version,
    };
  }

  #figureScene({ tokens }) {
    const { shown, cursor } = this;
    const value = (from, to) => this.#share(from, to);
    return { look: this.model.get("look"), tokens, shown, cursor, value, isExact: Boolean(this.exact) };
  }

  #captionText({ note }) {
    const order = this.model.get("order");
    const scores = this.model.get("scores")[this.index];
    if (!order) return note;
    return `${scores?.probe === order ? scores.note : `Меряю: ${order}…`} ${note}`;
  }

  #fillTable() {
    if (!this.details.open || !this.data) return;
    const { tokens } = this.data;
    const rows = this.shown.slice(0, MOST_ROWS).map((from) => {
      const best = [...this.shown].sort((a, b) => this.#share(from, b) - this.#share(from, a)).slice(0, 3);
      const cells = best.map((to) => h("td", {}, `${tokens[to]} ${decimal(this.#share(from, to))}`));
      return h("tr", {}, h("th", { scope: "row" }, tokens[from]), ...cells);
    });
    const names = ["кто смотрит", "больше всего", "потом", "потом"];
    const head = h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)));
    const [layer, head_] = this.chosen;
    const caption = h("caption", {}, `Слой ${layer}, голова ${head_}: на кого смотрит каждый, три наибольшие доли`);
    this.table.replaceChildren(h("table", {}, caption, h("thead", {}, head), h("tbody", {}, ...rows)));
  }
}

export const LINES_NOTE = `Доли меньше ${decimal(THINNEST)} линией не нарисованы.`;
