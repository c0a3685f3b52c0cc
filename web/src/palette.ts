import type { Kind } from "./lanes";

// Colours of both themes, for the style sheet (as --name) and for canvases. A place has one hue, of those that
// Okabe and Ito chose to be told apart by everybody; alarm is for losses alone.
const LIGHT = {
  paper: "#fcfcfa", raised: "#ffffff", ink: "#1d2126", quiet: "#59616b", faint: "#d9dcdf", line: "#e8e9e8",
  now: "#eef1f4", accent: "#1f5fa8", alarm: "#b3261e", alarmPaper: "#fbeae8", fine: "#1d6b4f",
  tlb: "#e69f00", pte: "#3d9ad1", key: "#8a6d3b", pg: "#0072b2", bh: "#009e73", tags: "#c26a9b", inode: "#a89600",
  memory: "#7a828c", disk: "#4a525c",
};

export type Palette = typeof LIGHT;

const DARK: Palette = {
  paper: "#14171b", raised: "#1b1f24", ink: "#e6e8ea", quiet: "#a1a9b2", faint: "#3a4048", line: "#282d33",
  now: "#232931", accent: "#7db7f0", alarm: "#ff7b6e", alarmPaper: "#35201f", fine: "#63c9a0",
  tlb: "#e9a820", pte: "#6cc0f0", key: "#c2a06a", pg: "#4b9fe0", bh: "#21b88b", tags: "#d98ab5", inode: "#d5c63c",
  memory: "#8d96a1", disk: "#a9b1bb",
};

export const PALETTES = { light: LIGHT, dark: DARK };
export type Theme = keyof typeof PALETTES;

export function hueOf(kind: Kind, palette: Palette): string {
  switch (kind) {
    case "media": return palette.disk;
    case "cached": return palette.memory;
    default: return palette[kind];
  }
}

// Black or white, whichever reads better on a colour.
export function inkOn(colour: string): string {
  const [r, g, b] = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  return luminance > 0.2 ? "#0b0d10" : "#ffffff";
}

export function wearTheme(theme: Theme): void {
  const root = document.documentElement;
  root.style.colorScheme = theme;
  root.dataset["theme"] = theme;
  for (const [name, colour] of Object.entries(PALETTES[theme])) root.style.setProperty(`--${name}`, colour);
}
