// Узлы страницы. Текст кладётся только текстом: разметка внутри него остаётся буквами.

export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) assign(node, name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function assign(node, name, value) {
  if (name === "class") node.className = value;
  else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name in node && !name.includes("-")) node[name] = value;
  else if (value !== false && value !== null) node.setAttribute(name, value);
}

export function show(node, isShown) {
  node.hidden = !isShown;
}

let lastId = 0;

export function newId() {
  lastId += 1;
  return `ll-${lastId}`;
}

// Поле с подписью: подпись связана с полем, и щелчок по ней его выбирает.
export function labelled(text, field) {
  field.id ||= newId();
  return h("span", { class: "ll-field" }, h("label", { htmlFor: field.id }, text), field);
}

export function options(select, names, chosen) {
  const made = names.map((name, number) => h("option", { value: String(number) }, name));
  select.replaceChildren(...made);
  select.selectedIndex = chosen;
}

export function checkbox(text, isOn, onchange) {
  const box = h("input", { type: "checkbox", checked: isOn });
  box.addEventListener("change", () => onchange(box.checked));
  return [h("label", { class: "ll-check" }, box, text), box];
}
