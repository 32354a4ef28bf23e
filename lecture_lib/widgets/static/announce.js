// Голос виджета для тех, кто его не видит: последняя фраза, а не все, что накопились.
import { h } from "./dom.js";

const PAUSE = 150; // мс: зажатая стрелка меняет фразу чаще, чем её успели бы прочесть

export function announcer(el, signal) {
  const place = h("div", { class: "ll-hidden", "aria-live": "polite", role: "status" });
  let timer = 0;
  el.append(place);
  signal.addEventListener("abort", () => clearTimeout(timer));
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => (place.textContent = text), PAUSE);
  };
}
