// Вопрос, предсказание и ответ, который можно проверить: ответ приходит из ядра после предсказания.
import { h, show } from "./dom.js";
import { put, watch } from "./state.js";

export class Question {
  // guess() — то, что сейчас выбрано: { value: список чисел, text: как это назвать }.
  constructor(model, guess, names, signal) {
    this.model = model;
    this.guess = guess;
    this.text = h("p", { class: "ll-question" });
    this.button = h("button", { type: "button", class: "ll-button", onclick: () => this.#record() });
    this.answer = h("p", { class: "ll-answer", role: "status" });
    this.node = h("div", { class: "ll-row" }, this.text, this.button, this.answer);
    watch(model, ["question", "answer", ...names], () => this.#draw(), signal);
    this.#draw();
  }

  #record() {
    put(this.model, { predicted: this.guess().value });
  }

  #draw() {
    this.text.textContent = this.model.get("question");
    this.button.textContent = `Предсказываю: ${this.guess().text}`;
    this.answer.textContent = this.model.get("answer");
    show(this.answer, Boolean(this.model.get("answer")));
  }
}
