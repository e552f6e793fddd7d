// @ts-check
/** What somebody writes into the form stays on the device until it was received: a lost connection loses nothing. */

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-draft]"));
const sent = /** @type {HTMLElement | null} */ (document.querySelector("[data-sent]"));
const unsent = document.getElementById("unsent");

/** @param {string | undefined} surface */
const keyOf = (surface) => `truth-draft-${surface}`;

/** The form's own key and token stay with its text, so that what was sent after all is not sent twice. */
function keep() {
  if (!form) return;
  const fields = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
  localStorage.setItem(keyOf(form.dataset.draft), JSON.stringify(fields));
}

function restore() {
  const kept = form && localStorage.getItem(keyOf(form.dataset.draft));
  if (!form || !kept || document.querySelector("[role=alert]")) return;
  for (const [name, value] of Object.entries(JSON.parse(kept))) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) field.value = value;
  }
  tellUnsent();
}

function tellUnsent() {
  if (!unsent) return;
  unsent.hidden = false;
  document.dispatchEvent(new CustomEvent("kit:announce", { detail: unsent.innerText }));
}

if (sent) localStorage.removeItem(keyOf(sent.dataset.sent));
if (form) {
  restore();
  form.addEventListener("input", keep);
  form.addEventListener("submit", (event) => {
    keep();
    if (navigator.onLine) return;
    event.preventDefault();
    tellUnsent();
  });
}
