// @ts-check
/** Has the browser make a passkey, or sign a frozen Job with one. Without it both forms say that they need it. */

let isAsking = false;

/** Fill the form's hidden field with what `ask` gives, then send it; a second click while the browser asks does nothing. @param {HTMLFormElement} form @param {string} field @param {() => Promise<Credential | null>} ask */
async function sendWith(form, field, ask) {
  if (isAsking) return;
  isAsking = true;
  const failed = /** @type {HTMLElement} */ (form.querySelector("[data-failed]"));
  failed.hidden = true;
  try {
    const given = /** @type {PublicKeyCredential | null} */ (await ask());
    if (!given) throw new Error("no passkey");
    /** @type {HTMLInputElement} */ (form.elements.namedItem(field)).value = JSON.stringify(given.toJSON());
    form.submit();
  } catch (error) {
    failed.textContent = `${failed.dataset.failed} ${error instanceof Error ? error.message : ""}`;
    failed.hidden = false;
  } finally {
    isAsking = false;
  }
}

/** @param {string} url @returns {Promise<PublicKeyCredentialCreationOptionsJSON>} */
async function invited(url) {
  const answer = await fetch(url, { method: "POST", headers: { Accept: "application/json" } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body.options;
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-makes]"))) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sendWith(form, "credential", async () => {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await invited(form.dataset.makes ?? ""));
      return navigator.credentials.create({ publicKey });
    });
  });
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-signs]"))) {
  form.addEventListener("submit", (event) => {
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    if (button?.value !== "passkey") return;
    event.preventDefault();
    sendWith(form, "assertion", () => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(form.dataset.signs ?? ""));
      return navigator.credentials.get({ publicKey });
    });
  });
}

for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[data-modal]"))) {
  dialog.close();
  dialog.showModal();
  dialog.addEventListener("cancel", () => { location.href = dialog.dataset.back ?? "/"; });
}

if ("PublicKeyCredential" in window && "parseCreationOptionsFromJSON" in PublicKeyCredential) {
  for (const button of document.querySelectorAll("[data-needs-script]")) button.removeAttribute("hidden");
}
