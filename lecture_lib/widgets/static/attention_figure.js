// Одна голова крупно: линиями «кто смотрит → на кого» или матрицей. Клавиши и мышь двигают пару.
import { BLUE, GREY, INK, ORANGE, fitted, heatmap, prepared, write } from "./canvas.js";
import { h } from "./dom.js";
import { clamp, percent } from "./numbers.js";

export const THINNEST = 0.05; // меньшие доли линией не нарисованы
const NAMES = 88; // точек над матрицей под подписи столбцов
const TALLEST = 432; // точек: матрица короткого предложения видна целиком, без прокрутки
const READABLE = 12; // точек на строку: меньше — подписей нет
const WRITTEN = 22; // точек на клетку: меньше — число не поместится

export class AttentionFigure {
  constructor(label, onMove) {
    this.onMove = onMove;
    this.canvas = h("canvas", { tabIndex: 0, role: "application", "aria-label": label });
    this.canvas.addEventListener("pointermove", (event) => this.#point(event, false));
    this.canvas.addEventListener("click", (event) => this.#point(event, true));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.node = h("div", { class: "ll-figure" }, this.canvas);
  }

  // scene: { look, tokens, shown, value(откуда, куда), cursor: [откуда, куда], isExact }
  draw(scene, width) {
    this.scene = scene;
    const drawing = scene.look === "matrix" ? drawMatrix : drawLines;
    this.hit = drawing(this.canvas, scene, width);
  }

  #point(event, isClick) {
    const found = this.hit?.(event.offsetX, event.offsetY);
    if (found) this.onMove(found, isClick ? "click" : "hover");
  }

  #key(event) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const edges = { Home: 0, End: this.scene?.shown.length - 1 };
    if (!this.scene || !(event.key in moves || event.key in edges)) return;
    event.preventDefault();
    const { shown, cursor } = this.scene;
    const at = cursor.map((token) => Math.max(0, shown.indexOf(token)));
    const move = moves[event.key] ?? [0, edges[event.key] - at[1]];
    const next = at.map((place, i) => shown[clamp(place + move[i], 0, shown.length - 1)]);
    this.onMove(next, "key");
  }
}

function drawLines(canvas, { tokens, shown, value, cursor }, width) {
  const step = shown.length <= 18 ? 25 : shown.length <= 40 ? 20 : 17;
  const size = step >= 20 ? 15 : 13;
  const top = 26;
  const [left, right] = [width * 0.32, width * 0.68];
  const brush = prepared(canvas, width, top + step * shown.length + 4);
  const y = (place) => top + step * (place + 0.5);
  write(brush, "кто смотрит", left - 8, 11, { size: 13, colour: GREY, align: "right" });
  write(brush, "на кого", right + 8, 11, { size: 13, colour: GREY });
  const active = shown.indexOf(cursor[0]);
  const line = (i, j, isActive) => drawLine(brush, [left, y(i)], [right, y(j)], value(shown[i], shown[j]), isActive);
  shown.forEach((_, i) => i !== active && shown.forEach((_, j) => line(i, j, false)));
  if (active >= 0) shown.forEach((_, j) => line(active, j, true));
  shown.forEach((token, i) => {
    const isFrom = i === active;
    const look = { size, align: "right", bold: isFrom, colour: isFrom ? ORANGE : INK };
    brush.font = `600 ${size}px sans-serif`;
    write(brush, fitted(brush, tokens[token], left - 16), left - 8, y(i), look);
    const share = active >= 0 ? value(cursor[0], token) : 0;
    const note = share >= THINNEST ? `  ${percent(share)}` : "";
    const isTo = token === cursor[1] && active >= 0;
    const text = fitted(brush, tokens[token], width - right - (note ? 66 : 12)) + note;
    write(brush, text, right + 8, y(i), { size, bold: isTo || note !== "", colour: isTo ? ORANGE : INK });
  });
  return (x, where) => {
    const place = Math.floor((where - top) / step);
    if (!(place in shown)) return null;
    return x < width / 2 ? [shown[place], cursor[1]] : [cursor[0], shown[place]];
  };
}

function drawLine(brush, [x1, y1], [x2, y2], share, isActive) {
  if (share < THINNEST) return;
  const bend = (x2 - x1) * 0.4;
  brush.beginPath();
  brush.moveTo(x1, y1);
  brush.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  brush.strokeStyle = isActive ? ORANGE : BLUE;
  brush.globalAlpha = isActive ? 0.9 : 0.2 + 0.55 * share;
  brush.lineWidth = 0.6 + 6 * share;
  brush.stroke();
  brush.globalAlpha = 1;
}

function drawMatrix(canvas, { tokens, shown, value, cursor, isExact }, width) {
  const labels = clamp(width * 0.22, 90, 130);
  const wide = Math.floor((width - labels - 4) / shown.length);
  const tall = Math.max(WRITTEN, Math.floor((TALLEST - NAMES) / shown.length));
  const cell = clamp(Math.min(wide, tall), 3, 34);
  const head = cell >= READABLE ? NAMES : 24;
  const full = Math.max(width, labels + cell * shown.length + 4);
  const brush = prepared(canvas, full, head + cell * shown.length + 4);
  const share = (i, j) => value(shown[i], shown[j]);
  const side = cell * shown.length;
  brush.imageSmoothingEnabled = false;
  brush.drawImage(heatmap(shown.length, share), labels, head, side, side);
  if (cell >= WRITTEN && isExact) {
    shown.forEach((_, i) => shown.forEach((_, j) => writeShare(brush, share(i, j), labels + j * cell, head + i * cell, cell)));
  }
  drawLabels(brush, { tokens, shown, cursor, cell, head, labels });
  return (x, y) => {
    const place = [Math.floor((y - head) / cell), Math.floor((x - labels) / cell)];
    return place.every((i) => i in shown) ? place.map((i) => shown[i]) : null;
  };
}

function writeShare(brush, share, x, y, cell) {
  if (share < 0.095) return; // меньше десяти процентов и так светло
  const look = { size: 13, align: "center", colour: share > 0.45 ? "#ffffff" : INK };
  write(brush, String(Math.round(100 * share)), x + cell / 2, y + cell / 2, look);
}

function drawLabels(brush, { tokens, shown, cursor, cell, head, labels }) {
  const [bottom, right] = [head + cell * shown.length, labels + cell * shown.length];
  brush.strokeStyle = "#8a9097";
  brush.strokeRect(labels - 0.5, head - 0.5, right - labels + 1, bottom - head + 1);
  const size = Math.min(15, Math.max(11, cell - 3));
  shown.forEach((token, i) => {
    const [isFrom, isTo] = [token === cursor[0], token === cursor[1]];
    brush.font = `600 ${size}px sans-serif`;
    if (cell >= READABLE || isFrom) {
      const look = { size, align: "right", bold: isFrom, colour: isFrom ? ORANGE : INK };
      write(brush, fitted(brush, tokens[token], labels - 10), labels - 6, head + cell * (i + 0.5), look);
    }
    if (cell < READABLE && !isTo) return;
    brush.save();
    brush.translate(labels + cell * (i + 0.5), head - 6);
    if (cell >= READABLE) brush.rotate(-Math.PI / 3);
    write(brush, fitted(brush, tokens[token], 84), 0, 0, { size, bold: isTo, colour: isTo ? ORANGE : INK });
    brush.restore();
  });
  const [from, to] = cursor.map((token) => shown.indexOf(token));
  if (from < 0 || to < 0) return;
  brush.strokeStyle = ORANGE;
  brush.lineWidth = 3;
  brush.strokeRect(labels + cell * to + 0.5, head + cell * from + 0.5, cell - 1, cell - 1);
}
