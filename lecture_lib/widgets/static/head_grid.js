// Миниатюры всех голов на одном холсте: строка — слой, столбец — голова; или по убыванию меры.
import { GREY, INK, ORANGE, heatmap, prepared, write } from "./canvas.js";
import { h } from "./dom.js";
import { clamp, percent } from "./numbers.js";

const MARGIN = 24; // под номера слоёв и голов
const GAP = 5;
const CAPTION = 17; // под меру головы
const SORTED_SIZE = 62; // в упорядоченном виде подпись должна поместиться
const KEYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class HeadGrid {
  constructor(label, onPick) {
    this.onPick = onPick;
    this.thumbs = new Map();
    this.canvas = h("canvas", { tabIndex: 0, role: "application", "aria-label": label });
    this.canvas.addEventListener("click", (event) => this.#click(event));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.node = h("div", { class: "ll-grid" }, this.canvas);
  }

  // scene: { layers, heads, chosen: [слой, голова], sorted, score(слой, голова),
  //          weights(слой, голова) -> байты или null, size, shown, version }
  draw(scene, width) {
    this.scene = scene;
    this.#lay(width);
    const brush = prepared(this.canvas, this.width, this.height);
    if (!scene.sorted) this.#writeNumbers(brush);
    for (const place of this.places) this.#drawThumb(brush, place);
  }

  #lay(width) {
    const { sorted, layers, heads } = this.scene;
    const columns = sorted ? Math.max(1, Math.floor(width / (SORTED_SIZE + GAP))) : heads;
    const room = Math.floor((width - MARGIN) / columns) - GAP;
    this.side = sorted ? SORTED_SIZE : clamp(Math.min(room, 330 / layers - GAP), 16, 84) | 0;
    const step = { x: this.side + GAP, y: this.side + GAP + (sorted ? CAPTION : 0) };
    const start = sorted ? 2 : MARGIN;
    const order = sorted ?? natural(layers, heads);
    this.columns = columns;
    this.places = order.map(([layer, head], number) => ({
      layer,
      head,
      x: start + step.x * (number % columns),
      y: (sorted ? 2 : MARGIN) + step.y * Math.floor(number / columns),
    }));
    this.height = this.places.at(-1).y + step.y;
    this.width = start + step.x * columns;
  }

  #writeNumbers(brush) {
    for (const { layer, head, x, y } of this.places) {
      const middle = this.side / 2;
      const look = { size: 14, colour: GREY, align: "right" };
      if (head === 1) write(brush, String(layer), MARGIN - 6, y + middle, look);
      if (layer === 1) {
        write(brush, String(head), x + middle, 12, { ...look, align: "center" });
      }
    }
  }

  #drawThumb(brush, place) {
    const { side, scene } = this;
    const thumb = this.#thumb(place.layer, place.head);
    if (thumb) brush.drawImage(thumb, place.x, place.y, side, side);
    else write(brush, "…", place.x + side / 2, place.y + side / 2, { colour: GREY, align: "center" });
    const isChosen = place.layer === scene.chosen[0] && place.head === scene.chosen[1];
    brush.strokeStyle = isChosen ? ORANGE : "#8a9097";
    brush.lineWidth = isChosen ? 4 : 1;
    const rim = isChosen ? 1.5 : 0.5;
    brush.strokeRect(place.x - rim, place.y - rim, side + 2 * rim, side + 2 * rim);
    if (scene.sorted) {
      const text = `${place.layer}·${place.head} ${percent(scene.score(place.layer, place.head))}`;
      const look = { size: 12, colour: INK, align: "center", bold: isChosen };
      write(brush, text, place.x + side / 2, place.y + side + 10, look);
    }
  }

  #thumb(layer, head) {
    const { weights, size, shown, version } = this.scene;
    const key = `${version}|${this.side}`;
    if (this.key !== key) this.thumbs.clear();
    this.key = key;
    const name = `${layer},${head}`;
    if (!this.thumbs.has(name)) {
      const bytes = weights(layer, head);
      this.thumbs.set(name, bytes && pooled(bytes, size, shown, this.side));
    }
    return this.thumbs.get(name);
  }

  #click(event) {
    const x = event.offsetX;
    const y = event.offsetY;
    const inside = (p) => x >= p.x && x <= p.x + this.side && y >= p.y && y <= p.y + this.side;
    const place = this.places?.find(inside);
    if (place) this.onPick(place.layer, place.head);
  }

  #key(event) {
    const move = KEYS[event.key];
    if (!move || !this.places) return;
    event.preventDefault();
    const [layer, head] = this.scene.chosen;
    const now = this.places.findIndex((place) => place.layer === layer && place.head === head);
    const next = this.places[now + move[0] * this.columns + move[1]];
    if (!next) return;
    this.onPick(next.layer, next.head);
    const box = this.node;
    if (next.y < box.scrollTop || next.y + this.side > box.scrollTop + box.clientHeight) box.scrollTop = next.y - GAP;
  }
}

function natural(layers, heads) {
  return Array.from({ length: layers * heads }, (_, i) => [Math.floor(i / heads) + 1, (i % heads) + 1]);
}

// Матрица в квадрат side × side: где клеток больше, чем точек, видна самая тёмная.
function pooled(bytes, size, shown, side) {
  const most = new Uint8Array(side * side);
  const count = shown.length;
  const edges = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * side) / count));
  shown.forEach((from, i) => {
    shown.forEach((to, j) => {
      const value = bytes[from * size + to];
      for (let y = edges[i]; y < Math.max(edges[i] + 1, edges[i + 1]); y += 1) {
        for (let x = edges[j]; x < Math.max(edges[j] + 1, edges[j + 1]); x += 1) {
          if (value > most[y * side + x]) most[y * side + x] = value;
        }
      }
    });
  });
  return heatmap(side, (y, x) => most[y * side + x] / 255);
}
