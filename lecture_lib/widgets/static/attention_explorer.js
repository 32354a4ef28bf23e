// Внимание: вопрос, предложение, настройки, по панели на модель и улики о закрытом слове.
import { announcer } from "./announce.js";
import { AttentionPanel, LINES_NOTE } from "./attention_panel.js";
import { EvidencePanel } from "./evidence_panel.js";
import { Question } from "./question.js";
import { TextLine } from "./text_line.js";
import { checkbox, h, labelled, options } from "./dom.js";
import { put, watch } from "./state.js";

const LOOKS = ["lines", "matrix"];

export function render({ model, el, signal }) {
  const root = h("div", { class: "ll-widget", role: "group", "aria-label": "Внимание: слои и головы", "data-lm-suppress-shortcuts": "true" });
  const say = announcer(root, signal);
  const guess = () => {
    const value = [model.get("layer"), model.get("head")];
    return { value, text: `слой ${value[0]}, голова ${value[1]}` };
  };
  const indices = model.get("names").map((_, index) => index);
  const panels = indices.map((index) => new AttentionPanel(model, index, say, signal));
  const line = settings(model, signal);
  // У одной модели слой и голова стоят в общей строке, у двух — каждые над своей панелью.
  if (panels.length === 1) line.append(panels[0].choice);
  else for (const panel of panels) panel.node.prepend(panel.choice);
  const found = indices.map((index) => new EvidencePanel(model, index, signal).node);
  root.append(
    new Question(model, guess, ["layer", "head"], signal).node,
    new TextLine(model, say, signal).node,
    line,
    h("div", { class: "ll-panels" }, ...panels.map((panel) => panel.node)),
    h("div", { class: "ll-panels" }, ...found),
  );
  el.replaceChildren(root);
}

function settings(model, signal) {
  const look = h("select", { onchange: () => put(model, { look: LOOKS[look.selectedIndex] }) });
  options(look, ["линии", "матрица"], 0);
  look.title = LINES_NOTE;
  const order = h("select", { onchange: () => put(model, { order: ["", ...model.get("orders")][order.selectedIndex] }) });
  options(order, ["по слоям", ...model.get("orders")], 0);
  const [hide, hideBox] = checkbox("без [CLS] и [SEP]", false, (isOn) => put(model, { hide_special: isOn }));
  const [merge, mergeBox] = checkbox("слова целиком", false, (isOn) => put(model, { merge_words: isOn }));
  merge.title = "внимание к словам — сумма по подсловам, от слов — среднее";
  const follow = () => {
    look.selectedIndex = LOOKS.indexOf(model.get("look"));
    order.selectedIndex = model.get("orders").indexOf(model.get("order")) + 1;
    hideBox.checked = model.get("hide_special");
    mergeBox.checked = model.get("merge_words");
  };
  watch(model, ["look", "order", "hide_special", "merge_words"], follow, signal);
  follow();
  return h("div", { class: "ll-row" }, labelled("вид", look), labelled("головы", order), hide, merge);
}
