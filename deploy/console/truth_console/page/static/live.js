// Keeps a page's live part up to date: each event is the whole part, and only what differs is touched,
// so that focus, selection and scrolling stay where they are.
// @ts-check

/** @param {Node} old @param {Node} now */
function morph(old, now) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) {
    old.parentNode?.replaceChild(now.cloneNode(true), old);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.nodeValue !== now.nodeValue) old.nodeValue = now.nodeValue;
    return;
  }
  if (old instanceof Element && now instanceof Element) {
    for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of [...now.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }
  const was = [...old.childNodes];
  const is = [...now.childNodes];
  is.forEach((child, n) => (was[n] ? morph(was[n], child) : old.appendChild(child.cloneNode(true))));
  was.slice(is.length).forEach((child) => old.removeChild(child));
}

const part = document.querySelector("[data-live]");
const state = document.getElementById("live-state");
if (part instanceof HTMLElement && state) {
  const source = new EventSource(part.dataset.live ?? "");
  const tell = (/** @type {string} */ words) => {
    if (state.textContent !== words) state.textContent = words;
  };
  source.onmessage = (event) => {
    const next = document.createElement("div");
    next.className = part.className;
    next.dataset.live = part.dataset.live;
    next.innerHTML = event.data; // our own server's template, which escapes; the policy allows no inline script
    morph(part, next);
    tell("live");
  };
  source.onerror = () => tell("not live: reconnecting");
}
