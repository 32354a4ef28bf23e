// Предложение: готовое или своё, а под ним — слова кнопками; нажатое слово закрыто маской.
import { h, labelled, options, show } from "./dom.js";
import { put, watch } from "./state.js";

export class TextLine {
  constructor(model, say, signal) {
    Object.assign(this, { model, say });
    this.choice = h("select", { class: "ll-wide", onchange: () => this.#choose() });
    this.box = h("input", { type: "text", class: "ll-wide", spellcheck: false, autocomplete: "off" });
    this.box.addEventListener("change", () => this.#type());
    // В Лаборатории Enter до события change не доходит, поэтому клавиша слушается отдельно.
    this.box.addEventListener("keydown", (event) => event.key === "Enter" && this.#type());
    this.chips = h("div", { class: "ll-chips", role: "toolbar", "aria-label": "Слова предложения: нажатое закрыто" });
    this.chips.addEventListener("keydown", (event) => this.#key(event));
    this.problem = h("p", { class: "ll-problem", role: "alert" });
    const fields = [labelled("готовое", this.choice), labelled("своё", this.box)];
    this.node = h("div", {}, h("div", { class: "ll-row" }, ...fields), this.chips, this.problem);
    watch(model, ["text", "sentences"], () => this.#drawText(), signal);
    watch(model, ["chips", "masked"], () => this.#drawChips(), signal);
    watch(model, ["problem"], () => this.#drawProblem(), signal);
    this.#drawText();
    this.#drawChips();
    this.#drawProblem();
  }

  #choose() {
    const text = this.model.get("sentences")[this.choice.selectedIndex];
    if (text !== undefined) put(this.model, { text });
  }

  #type() {
    put(this.model, { text: this.box.value });
  }

  #drawText() {
    const [sentences, text] = [this.model.get("sentences"), this.model.get("text")];
    const found = sentences.indexOf(text);
    const names = found < 0 ? [...sentences, "своё предложение"] : sentences;
    options(this.choice, names, found < 0 ? sentences.length : found);
    if (this.box.value !== text) this.box.value = text;
  }

  #drawProblem() {
    const text = this.model.get("problem");
    this.problem.textContent = text && `✗ ${text}`;
    show(this.problem, Boolean(text));
  }

  #drawChips() {
    const hadFocus = this.chips.contains(document.activeElement);
    const masked = this.model.get("masked");
    const buttons = this.model.get("chips").map(([unit, word]) => {
      const isMasked = unit === masked;
      const text = isMasked ? `▮ ${word}` : word;
      const note = isMasked ? "открыть" : "закрыть";
      const toggle = () => this.#toggle(unit, word);
      return h("button", { type: "button", class: "ll-chip", title: note, "aria-pressed": String(isMasked), tabIndex: -1, onclick: toggle }, text);
    });
    this.chips.replaceChildren(...buttons);
    if (!buttons.length) return;
    const units = this.model.get("chips").map(([unit]) => unit);
    const at = Math.max(0, units.indexOf(masked >= 0 ? masked : this.last));
    buttons[at].tabIndex = 0; // в ряд слов входят один раз, дальше — стрелками
    if (hadFocus) buttons[at].focus();
  }

  #toggle(unit, word) {
    const isMasked = this.model.get("masked") === unit;
    this.last = unit;
    put(this.model, { masked: isMasked ? -1 : unit });
    this.say(isMasked ? `«${word}» открыто` : `«${word}» закрыто`);
  }

  #key(event) {
    const shift = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!shift) return;
    event.preventDefault();
    const buttons = [...this.chips.children];
    const next = buttons[buttons.indexOf(document.activeElement) + shift];
    if (!next) return;
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }
}
