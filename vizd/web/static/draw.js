/**
 * Shapes on a canvas: hatches, triangles, teeth. Pixels are those of CSS; the backing store has the screen's own.
 */
import { theme } from "./theme.js";

/** A 2d context as large as `width` x `height`, cleared. */
export function prepare(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== deviceWidth || canvas.height !== deviceHeight) {
    canvas.width = deviceWidth;
    canvas.height = deviceHeight;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

const patterns = new Map();

/** Lines from lower left to upper right, `every` pixels apart. The lines of neighbours meet. */
export function hatch(context, x, y, width, height, colour, every = 6, lineWidth = 1) {
  if (width <= 0 || height <= 0) return;
  context.fillStyle = pattern(context, colour, every, lineWidth);
  context.fillRect(x, y, width, height);
}

/** A tile in the screen's own pixels; a few of them, for a few colours. */
function pattern(context, colour, every, lineWidth) {
  const { a: ratio } = context.getTransform();
  const key = `${colour}/${every}/${lineWidth}/${ratio}`;
  if (!patterns.has(key)) {
    const size = Math.round(every * ratio);
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const paint = tile.getContext("2d");
    paint.strokeStyle = colour;
    paint.lineWidth = lineWidth * ratio;
    paint.beginPath();
    for (const shift of [-size, 0, size]) {
      paint.moveTo(shift - size, 2 * size);
      paint.lineTo(shift + 2 * size, -size);
    }
    paint.stroke();
    const made = context.createPattern(tile, "repeat");
    made.setTransform(new DOMMatrix().scale(every / size));
    if (patterns.size > 32) patterns.clear();
    patterns.set(key, made);
  }
  return patterns.get(key);
}

/** A triangle about 8 wide in [y, y + 7]: filled and up, or hollow and down. */
export function triangle(context, x, y, isUp, colour) {
  context.beginPath();
  if (isUp) {
    context.moveTo(x, y);
    context.lineTo(x + 4, y + 6.5);
    context.lineTo(x - 4, y + 6.5);
  } else {
    context.moveTo(x - 4, y + 0.5);
    context.lineTo(x + 4, y + 0.5);
    context.lineTo(x, y + 7);
  }
  context.closePath();
  if (isUp) {
    context.fillStyle = colour;
    context.fill();
    return;
  }
  context.fillStyle = theme.bg;
  context.fill();
  context.strokeStyle = colour;
  context.lineWidth = 1.3;
  context.stroke();
}

/** Teeth 2 wide, 4 high from `y`, in [from, to): at least one. */
export function teeth(context, from, to, y, colour) {
  context.fillStyle = colour;
  const first = Math.ceil(from / 3) * 3;
  for (let x = first; x < Math.max(to, first + 1); x += 3) context.fillRect(x, y, 2, 4);
}

/** A dotted horizontal line, a pixel on and three off, in step with the page's left edge. */
export function dotted(context, from, to, y, colour, off = 3) {
  context.fillStyle = colour;
  const every = 1 + off;
  for (let x = Math.ceil(from / every) * every; x < to; x += every) context.fillRect(x, y, 1, 1);
}

/** A crisp rectangle's outline inside of [x, x + width). */
export function frame(context, x, y, width, height, colour, lineWidth = 1) {
  context.strokeStyle = colour;
  context.lineWidth = lineWidth;
  context.strokeRect(x + lineWidth / 2, y + lineWidth / 2, width - lineWidth, height - lineWidth);
}

/** Do it with everything fainter. */
export function faintly(context, alpha, paint) {
  context.save();
  context.globalAlpha = alpha;
  paint();
  context.restore();
}
