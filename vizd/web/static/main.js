/**
 * Begins.
 */
import { listenToKeys } from "./keys.js";
import { Page } from "./page.js";

const page = new Page();
listenToKeys(page);
page.start();
