// @ts-check
/** The one form in which a time stands in sealed texts: `YYYY-MM-DDTHH:MM:SS.sssZ`. */

const FORM = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

/** Milliseconds since 1970 of the instant that `text` writes in this form and no other; null otherwise, and before.
 * @param {string} text */
export function readInstant(text) {
  if (!FORM.test(text)) return null;
  const at = new Date(text);
  // Some invalid dates are read as another day, or midnight as 24:00: what is written must be what is meant.
  return at.getTime() >= 0 && at.toISOString() === text ? at.getTime() : null;
}
