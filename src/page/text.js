// Numbers and texts as a person reads them. Nothing here makes markup: values go in as text.

/** Sets the text of an element, if it changes: what is read aloud is read once. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Creates an element with a class and a text. */
export function make(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export const byId = (id) => document.getElementById(id);

export const grouped = (number) => Math.round(number).toLocaleString("en-US");

/** At most 9,999, 99.9 k or 9.9 M, for axes. */
export function short(number) {
  const in_units = (value, unit) => `${Number(value.toPrecision(3))}${unit}`;
  if (number >= 1e6) return in_units(number / 1e6, " M");
  if (number >= 1e4) return in_units(number / 1e3, " k");
  return Number(number.toPrecision(3)).toLocaleString("en-US");
}

/** In powers of ten, as AWS bills and limits. */
export function bytes(number) {
  if (number >= 1e9) return `${(number / 1e9).toFixed(2)} GB`;
  if (number >= 1e6) return `${(number / 1e6).toFixed(1)} MB`;
  if (number >= 1e3) return `${(number / 1e3).toFixed(1)} kB`;
  return `${Math.round(number)} B`;
}

export const millis = (ms) => (ms >= 1e4 ? `${(ms / 1e3).toFixed(1)} s` : ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`);

/** A time in its two largest units. */
export function lasting(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

export function dollars(amount) {
  if (amount === 0) return "$0";
  if (amount < 0.001) return "less than $0.001";
  return amount < 0.1 ? `$${amount.toFixed(3)}` : `$${amount.toFixed(2)}`;
}
