// Загрузчик: он идёт с каждым виджетом, поэтому короток. Остальное — в общей модели Sources:
// архив модулей разворачивается на странице один раз, сколько бы виджетов и тетрадей ни открыли.
const loaded = (globalThis[Symbol.for("lecture_lib.sources")] ??= new Map());

async function unpack(archive) {
  const stream = new Blob([archive]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { modules, styles } = await new Response(stream).json();
  document.head.append(Object.assign(document.createElement("style"), { textContent: styles }));
  const urls = {}; // модули лежат в порядке зависимостей: адрес нужного уже известен
  for (const [name, text] of Object.entries(modules)) {
    const linked = text.replace(/from "\.\/(\w+)\.js"/g, (_, other) => `from "${urls[other]}"`);
    urls[name] = URL.createObjectURL(new Blob([linked], { type: "text/javascript" }));
  }
  return urls;
}

async function module(model) {
  const id = model.get("sources").replace("IPY_MODEL_", "");
  const sources = await model.widget_manager.get_model(id);
  const digest = sources.get("digest");
  if (!loaded.has(digest)) loaded.set(digest, unpack(sources.get("archive")));
  return import((await loaded.get(digest))[model.get("module")]);
}

async function render({ model, el }) {
  const stop = new AbortController();
  try {
    (await module(model)).render({ model, el, signal: stop.signal });
  } catch (error) {
    el.textContent = `Виджет не загрузился: ${error.message}. Исполните ячейку ещё раз.`;
    throw error;
  }
  return () => stop.abort();
}

export default { render };
