const grouped = new Intl.NumberFormat("en-US");   // toLocaleString makes a new one for each number

export const count = (n: number): string => grouped.format(n);

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

const UNITS: [number, string][] = [[1e12, "s"], [1e9, "ms"], [1e6, "µs"], [1e3, "ns"], [1, "ps"]];

export function duration(ps: number, digits = 4): string {
  if (ps === 0) return "0";
  const [scale, unit] = UNITS.find(([scale]) => Math.abs(ps) >= scale) ?? UNITS.at(-1)!;
  return `${trim((ps / scale).toPrecision(digits))} ${unit}`;
}

function trim(number: string): string {
  if (number.includes("e")) return String(Number(number));
  return number.includes(".") ? number.replace(/\.?0+$/, "") : number;
}

// An instant: enough digits to tell it from the steps around it.
export function instant(ps: number): string {
  const [scale, unit] = UNITS.find(([scale]) => ps >= scale) ?? UNITS.at(-1)!;
  const digits = Math.min(9, Math.max(0, Math.round(Math.log10(scale)) - 3));
  return `${(ps / scale).toFixed(digits)} ${unit}`;
}
