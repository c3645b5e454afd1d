/**
 * Pause and play, speed, change to change, Live; the windows' buttons; and what the hands can do.
 */
import { byId, element, setAttribute, setHidden, setText } from "./dom.js";
import { formatClock, formatCount } from "./numbers.js";
import { SPEEDS, WINDOWS_MIN } from "./time.js";

const SHAPES = { previous: "M10.5 2v10L2.5 7z", next: "M3.5 2v10l8-5z", pause: "M3 2h3v10H3zM8 2h3v10H8z" };
const HELP = [
  ["space", "pause, play on"], ["← →", "one second"], ["⇧ ← ⇧ →", "previous, next change"], ["Home", "the oldest moment"],
  ["Esc", "close what is open, then live"], ["/", "filter events"], ["[ ]", "narrower, wider window"], ["?", "these keys"],
];

export class Controls {
  constructor(page) {
    this.page = page;
    for (const [id, shape] of [["previous", "previous"], ["next", "next"], ["play", "pause"]]) byId(id).append(icon(shape));
    for (const minutes of WINDOWS_MIN) {
      const button = byId("windows").appendChild(element("button", "", String(minutes), { type: "button", "data-minutes": minutes }));
      button.addEventListener("click", () => page.setWindow(minutes));
    }
    for (const speed of SPEEDS) {
      const button = byId("speeds").appendChild(element("button", "", `${speed}×`, { type: "button", "data-speed": speed }));
      button.addEventListener("click", () => page.play(speed));
    }
    byId("previous").addEventListener("click", () => page.toChange(-1));
    byId("next").addEventListener("click", () => page.toChange(1));
    byId("play").addEventListener("click", () => page.togglePlay());
    byId("go-live").addEventListener("click", () => page.goLive());
    byId("help-button").addEventListener("click", () => this.help());
  }

  draw() {
    const { page } = this;
    const { time } = page;
    const isRunning = time.isLive || time.isPlaying;
    for (const button of byId("windows").children) {
      const minutes = Number(button.dataset.minutes);
      const isOn = minutes === time.minutes;
      setAttribute(button, "aria-pressed", isOn);
      setText(button, isOn ? `${minutes} min` : String(minutes));
    }
    for (const button of byId("speeds").children) {
      setAttribute(button, "aria-pressed", !time.isLive && Number(button.dataset.speed) === time.speed);
      button.disabled = time.isLive;
    }
    const play = byId("play");
    setAttribute(play, "aria-label", isRunning ? "Pause" : "Play");
    const shape = isRunning ? SHAPES.pause : SHAPES.next;
    setAttribute(play.firstElementChild.firstElementChild, "d", shape);
    byId("go-live").disabled = time.isLive;
    byId("next").disabled = time.isLive;
    setText(byId("space-does"), isRunning ? "pause" : "play");
    const [from, to] = page.bufferRange();
    setText(byId("held"), time.isLive ? `drag the tape to go to any moment of the last ${formatCount(Math.round((to - from) / 60_000))} min` : time.isPlaying ? `playing at ${time.speed}×; space holds` : `held at ${formatClock(time.at)}; space plays on`);
    setHidden(byId("held"), false);
  }

  /** Say what the keys do. */
  help() {
    const dialog = byId("help");
    if (!dialog.children.length) {
      const close = element("button", "boxed", "Close", { type: "button" });
      close.addEventListener("click", () => dialog.close());
      dialog.append(element("h2", "", "Keys", { id: "help-title" }), element("dl", "", HELP.flatMap(([keys, does]) => [element("dt", "", [element("kbd", "", keys)]), element("dd", "", does)])), close);
    }
    dialog.showModal();
  }
}

function icon(shape) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 14 14");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[shape]);
  path.setAttribute("fill", "currentColor");
  picture.append(path);
  return picture;
}
