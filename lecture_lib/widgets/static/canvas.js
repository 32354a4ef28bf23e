// Холсты: чёткость на любом экране, оттенки, подписи в отведённую ширину.

import { h } from "./dom.js";

export const INK = "#222222";
export const GREY = "#595f66"; // на белом — 6,5 : 1
export const ORANGE = "#b04a00";
export const BLUE = "#0072b2";
export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

const MOST_PIXELS = 16000; // холст длиннее браузер не нарисует

// Готовит холст width × height точек страницы и возвращает кисть в этих точках.
export function prepared(canvas, width, height) {
  const scale = Math.min(globalThis.devicePixelRatio || 1, MOST_PIXELS / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const brush = canvas.getContext("2d");
  brush.scale(scale, scale);
  brush.fillStyle = "#ffffff";
  brush.fillRect(0, 0, width, height);
  brush.textBaseline = "middle";
  return brush;
}

// 256 оттенков от белого до тёмно-синего, как у рисунков курса.
const STOPS = [[255, 255, 255], [158, 202, 225], [49, 130, 189], [8, 48, 107]];
export const SHADES = Array.from({ length: 256 }, (_, step) => {
  const place = (step / 255) * (STOPS.length - 1);
  const left = Math.min(Math.floor(place), STOPS.length - 2);
  return STOPS[left].map((from, i) => Math.round(from + (STOPS[left + 1][i] - from) * (place - left)));
});

// Подпись не шире width: лишние буквы заменены многоточием.
export function fitted(brush, text, width) {
  if (brush.measureText(text).width <= width) return text;
  const letters = [...text];
  while (letters.length > 1 && brush.measureText(`${letters.join("")}…`).width > width) letters.pop();
  return `${letters.join("")}…`;
}

export function write(brush, text, x, y, { size = 14, colour = INK, align = "left", bold = false } = {}) {
  brush.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
  brush.fillStyle = colour;
  brush.textAlign = align;
  brush.fillText(text, x, y);
}

// Таблица долей картинкой size × size: точка на клетку, увеличит её drawImage.
export function heatmap(size, value) {
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i += 1) {
    image.data.set(SHADES[Math.round(255 * value(Math.floor(i / size), i % size))], 4 * i);
    image.data[4 * i + 3] = 255;
  }
  const canvas = new OffscreenCanvas(size, size);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Кнопка, которая сохраняет холст файлом PNG; имя спрашивается в миг щелчка.
export function saveButton(canvas, name) {
  const save = () => h("a", { href: canvas.toDataURL(), download: name() }).click();
  return h("button", { type: "button", class: "ll-chip", title: "сохранить рисунок головы", onclick: save }, "PNG");
}

// Перерисовывает, когда меняется ширина места под виджет.
export function onResize(node, draw, signal) {
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (node.clientWidth === width || !node.clientWidth) return;
    width = node.clientWidth;
    draw();
  });
  observer.observe(node);
  signal.addEventListener("abort", () => observer.disconnect());
}
