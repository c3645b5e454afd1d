/**
 * The page's few ways to touch the document. Text from the daemon is only ever text: nothing here parses HTML.
 */

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An element with a class, text or children, and attributes. */
export function element(tag, className = "", content = undefined, attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (Array.isArray(content)) made.append(...content.filter((each) => each !== undefined && each !== ""));
  else if (content !== undefined) made.textContent = content;
  return made;
}

/** Set only what is different: what is equal costs no layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** True is the bare attribute, false none; but for ARIA's, which say both. */
export function setAttribute(node, name, value) {
  if (name.startsWith("aria-") && typeof value === "boolean") value = String(value);
  if (value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : String(value));
}

export function setHidden(node, isHidden) {
  if (node.hidden !== isHidden) node.hidden = isHidden;
}

export function setStyle(node, name, value) {
  if (node.style[name] !== value) node.style[name] = value;
}

/** One of the symbols of index.html, as a small picture; decoration beside a word. */
export function glyph(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", `glyph ${name}`);
  picture.setAttribute("viewBox", "0 0 12 12");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#g-${name}`);
  picture.append(use);
  return picture;
}

/** Show `pieces`, [class, text] pairs, in `node`, unless it shows them already. */
export function setPieces(node, pieces) {
  const key = JSON.stringify(pieces);
  if (node.shownPieces === key) return;
  node.shownPieces = key;
  node.replaceChildren(...pieces.map(([className, text]) => (className === "glyph" ? glyph(text) : className ? element("span", className, text) : document.createTextNode(text))));
}

/** Make `parent` have as many children as `count`, made by `make`. Returns them. */
export function pool(parent, count, make) {
  while (parent.children.length > count) parent.lastElementChild.remove();
  while (parent.children.length < count) parent.append(make(parent.children.length));
  return parent.children;
}

/** Labels along an axis: `{x, text, className}`. */
export function setLabels(axis, labels) {
  const spans = pool(axis, labels.length, () => element("span"));
  labels.forEach(({ x, text, className = "" }, index) => {
    setText(spans[index], text);
    if (spans[index].className !== className) spans[index].className = className;
    setStyle(spans[index], "left", `${x}px`);
  });
}
