/**
 * The keyboard: what each key does, wherever the focus is but in a field.
 */
import { byId } from "./dom.js";
import { WINDOWS_MIN } from "./time.js";

const SECOND_MS = 1_000;

/** Listen for the whole document. */
export function listenToKeys(page) {
  document.body.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { target, key } = event;
    if (target.matches("input, textarea")) {
      if (key === "Escape") leaveFilter(target);
      return;
    }
    if (key === " " && target.closest("button")) return;
    const act = ACTS[key];
    if (!act || event.defaultPrevented) return;
    event.preventDefault();
    act(page, event);
  });
}

function leaveFilter(input) {
  if (input.value) {
    input.value = "";
    input.dispatchEvent(new Event("input"));
  } else input.blur();
}

const ACTS = {
  " ": (page) => page.togglePlay(),
  ArrowLeft: (page, event) => (event.shiftKey ? page.toChange(-1) : page.goTo(page.time.at - SECOND_MS)),
  ArrowRight: (page, event) => (event.shiftKey ? page.toChange(1) : !page.time.isLive && page.goTo(page.time.at + SECOND_MS)),
  Home: (page) => page.goTo(Math.max(page.oldestAt ?? 0, page.bufferRange()[0])),
  End: (page) => page.goLive(),
  Escape: (page) => page.close(),
  "/": () => byId("filter").focus(),
  "?": (page) => page.scene.controls.help(),
  "[": (page) => step(page, -1),
  "]": (page) => step(page, 1),
};

function step(page, by) {
  const index = WINDOWS_MIN.indexOf(page.time.minutes) + by;
  page.setWindow(WINDOWS_MIN[Math.max(0, Math.min(WINDOWS_MIN.length - 1, index))]);
}
