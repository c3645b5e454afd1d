/**
 * The colours that canvases draw with: the custom properties of tokens.css, read again when the system's setting or
 * the page's state changes them.
 */

const NAMES = ["bg", "raise", "line", "line2", "text", "mute", "faint", "mark", "base", "fill", "hatch", "amber", "red", "inv", "on-inv"];

export const theme = { heat: [], node: [], version: 0 };

/** Read all of them. */
export function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  for (const name of NAMES) theme[name] = read(name);
  theme.heat = [0, 1, 2, 3, 4, 5].map((index) => read(`heat${index}`));
  theme.node = [1, 2, 3, 4, 5, 6].map((index) => read(`node${index}`));
  theme.version += 1;
}

/** Call `changed` whenever the system goes from dark to light or back. */
export function watchTheme(changed) {
  readTheme();
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
    readTheme();
    changed();
  });
}

/** The colour of heat 0 to 1. */
export function heatColour(heat) {
  return theme.heat[Math.max(0, Math.min(5, Math.round(heat * 5)))];
}
