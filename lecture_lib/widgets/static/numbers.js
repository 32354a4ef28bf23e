// Числа по-русски: запятая, минус, неразрывный пробел перед процентом.

export function decimal(value, digits = 2) {
  const text = value.toFixed(digits);
  const sign = value < 0 && Number(text) !== 0 ? "−" : ""; // не «−0,00»
  return sign + text.replace("-", "").replace(".", ",");
}

export function signed(value, digits = 2) {
  const text = decimal(value, digits);
  return Number(value.toFixed(digits)) > 0 ? `+${text}` : text;
}

export function percent(value) {
  return `${Math.round(100 * value)} %`;
}

export function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}
