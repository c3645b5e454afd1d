/**
 * What the marks of the strips mean, beside their heading.
 */
import { element, setAttribute } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const SAMPLES = {
  fsync: [22, [["path", { d: "M0 7h5l3-4 3 3 4-1h7", fill: "none", stroke: "var(--mark)", "stroke-width": 1.2 }]]],
  pressure: [20, [["path", { d: "M0 10V5l6-1 6 1 8-2v7z", fill: "var(--fill)" }], ["path", { d: "M0 5l6-1 6 1 8-2", fill: "none", stroke: "var(--base)" }]]],
  became: [9, [["path", { d: "M4.5 1.5 8.5 8.5h-8z", fill: "var(--mark)" }]]],
  lost: [9, [["path", { d: "M1 1.5h7l-3.5 7z", fill: "none", stroke: "var(--text)", "stroke-width": 1.2 }]]],
  nodata: [14, [["path", { d: "M0 10 10 0M-5 10 5 0M5 10 15 0M10 10l10-10", stroke: "var(--hatch)" }]]],
  amber: [14, [["path", { d: "M0 5h14", stroke: "var(--amber)", "stroke-width": 2 }]]],
  red: [14, [["path", { d: "M0 5h14", stroke: "var(--red)", "stroke-width": 2 }]]],
  dots: [16, [["path", { d: "M0 5h16", stroke: "var(--mark)", "stroke-width": 1.5, "stroke-dasharray": "1.5 2.5" }]]],
};

/** Once for rows, once for the raster; drawn anew only when it is the other's turn. */
export function drawLegend(legend, isRaster, troubled, count) {
  const key = isRaster ? `raster ${troubled} ${count}` : "rows";
  if (legend.dataset.of === key) return;
  setAttribute(legend, "data-of", key);
  const said = isRaster
    ? [note(troubled ? `${troubled} in front, then all ${count} in order` : `all ${count} in order`), ramp(), sample("amber", "over a limit or suspect"), sample("red", "dead"), sample("dots", "no data")]
    : [sample("fsync", "fsync p99, log 1 ms–1 s"), sample("pressure", "pressure 0–1"), sample("became", "became leader"), sample("lost", "lost it"), sample("nodata", "no data")];
  legend.replaceChildren(...said);
}

const note = (text) => element("span", "", text);

function ramp() {
  const steps = element("span", "ramp", [0, 1, 2, 3, 4, 5].map((heat) => element("i", `heat${heat}`)));
  return element("span", "", [document.createTextNode("fsync p99 1 ms"), steps, document.createTextNode("100 ms")]);
}

function sample(name, text) {
  const [width, shapes] = SAMPLES[name];
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${width} 10`);
  picture.setAttribute("aria-hidden", "true");
  picture.style.width = `${width}px`;
  for (const [tag, attributes] of shapes) {
    const shape = picture.appendChild(document.createElementNS(SVG, tag));
    for (const [attribute, value] of Object.entries(attributes)) shape.setAttribute(attribute, value);
  }
  return element("span", "", [picture, document.createTextNode(text)]);
}
