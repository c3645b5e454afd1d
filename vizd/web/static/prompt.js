/**
 * Asks for the token of a daemon that wants one.
 */
import { token } from "./api.js";
import { byId, element } from "./dom.js";

/** Shows the prompt; `given` is called once there is a token to try. Does nothing while it is shown. */
export function askForToken(given) {
  const dialog = byId("token");
  if (dialog.open) return;
  const field = element("input", "", undefined, { type: "password", "aria-label": "Token", autocomplete: "off" });
  const wrong = element("p", "amber", token.get() ? "That token was refused." : "");
  const form = element("form", "", [
    element("h2", "", "This daemon asks for a token.", { id: "token-title" }),
    element("p", "", "It is kept in this tab only."),
    field,
    wrong,
    element("button", "boxed", "Open", { type: "submit" }),
  ]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!/^[A-Za-z0-9_-]+=*$/.test(text)) {
      wrong.textContent = "A token is made of letters, digits, - and _.";
      return;
    }
    token.set(text);
    dialog.close();
    given();
  });
  dialog.replaceChildren(form);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
  field.focus();
}
