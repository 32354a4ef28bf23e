// Улики о закрытом слове: вклад остальных слов рядом с вниманием и ответы модели слой за слоем.
import { h } from "./dom.js";
import { decimal, percent, signed } from "./numbers.js";
import { watch } from "./state.js";

const MOST_ROWS = 12; // слов в таблице: у остальных вклад меньше

export class EvidencePanel {
  constructor(model, index, signal) {
    Object.assign(this, { model, index });
    this.node = h("section", { class: "ll-evidence" });
    watch(model, ["evidence"], () => this.#draw(), signal);
    this.#draw();
  }

  #draw() {
    const found = this.model.get("evidence")[this.index];
    this.node.hidden = !found;
    if (!found) return;
    if (found.problem) {
      this.node.replaceChildren(h("p", { class: "ll-note" }, found.problem));
      return;
    }
    const whose = this.model.get("names").length > 1 ? `${found.name}: ` : "";
    const title = `${whose}закрыто «${found.answer}», вероятность верного — ${percent(found.chance)}`;
    const both = h("div", { class: "ll-row ll-top" }, words(found), layers(found));
    this.node.replaceChildren(h("h4", { class: "ll-title" }, title), h("p", {}, found.verdict), both);
  }
}

function words({ rows, note }) {
  const most = Math.max(...rows.map(([, drop]) => Math.abs(drop)), 1e-9);
  const lines = rows.slice(0, MOST_ROWS).map(([word, drop, look]) =>
    h("tr", {}, h("th", { scope: "row" }, word), bar(signed(drop), Math.abs(drop) / most, drop < 0), bar(percent(look), look, false)),
  );
  const head = ["закрыть ещё и", "потеря, нат", "внимание"].map((name) => h("th", { scope: "col" }, name));
  const rest = rows.length > MOST_ROWS ? ` Показаны ${MOST_ROWS} слов из ${rows.length}.` : "";
  const caption = h("caption", {}, note + rest);
  return h("table", { class: "ll-table" }, caption, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...lines));
}

function bar(text, share, isNegative) {
  const strip = h("span", { class: isNegative ? "ll-bar ll-minus" : "ll-bar" });
  strip.style.width = `${Math.round(64 * share)}px`;
  return h("td", {}, h("span", { class: "ll-number" }, text), strip);
}

function layers({ layers: rows, layers_note: note }) {
  const lines = rows.map(([layer, best, right]) => {
    const names = best.map(([token, chance]) => `${token} ${percent(chance)}`).join(", ");
    const cells = [names, right === null ? "—" : percent(right)].map((text) => h("td", {}, text));
    return h("tr", {}, h("th", { scope: "row" }, layer ? String(layer) : "вход"), ...cells);
  });
  const head = ["слой", "что прочла бы голова MLM", "верное"].map((name) => h("th", { scope: "col" }, name));
  return h("table", { class: "ll-table" }, h("caption", {}, note), h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...lines));
}
