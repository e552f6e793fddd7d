// @ts-check
/** What waits on this phone: items and the bytes of photos, in the browser's own database. */

/** @typedef {"waiting" | "received" | "refused" | "conflict"} State */
/** @typedef {{state: string, who: string, at: string}} Theirs where the work stood on the server */
/**
 * @typedef {object} Item One command that its person gave on this phone.
 * @property {string} id the command's id, the same however often it is sent
 * @property {string} person whose it is: nobody else sees or sends it
 * @property {string} job
 * @property {string} what start, stage, note, evidence or complete
 * @property {Record<string, string>} fields as the Job's page would post them
 * @property {string} at when it was given, by this phone's clock
 * @property {State} state
 * @property {string} reason why the server did not take it, or ""
 * @property {Theirs | null} theirs
 * @property {number} [n] its place in the order
 */

const NAME = "truth-desk";

/** @type {Promise<IDBDatabase> | null} */
let opening = null;

/** @returns {Promise<IDBDatabase>} */
function opened() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("items", { keyPath: "n", autoIncrement: true }).createIndex("id", "id", { unique: true });
      request.result.createObjectStore("photos");
    };
    request.onsuccess = () => {
      request.result.onclose = () => { opening = null; }; // not by us: a phone takes it from a page in the background
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
  opening.catch(() => { opening = null; });
  return opening;
}

/**
 * Run `work` in one transaction; what it returns when the transaction is durable. On a connection that turns out to be
 * closed nothing was begun: then once more, on a new one.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(items: IDBObjectStore, photos: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function within(mode, work) {
  try {
    return await once(await opened(), mode, work);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "InvalidStateError")) throw error;
    opening = null;
    return once(await opened(), mode, work);
  }
}

/**
 * @template T
 * @param {IDBDatabase} database
 * @param {IDBTransactionMode} mode
 * @param {(items: IDBObjectStore, photos: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
function once(database, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(["items", "photos"], mode, { durability: "strict" });
    const request = work(transaction.objectStore("items"), transaction.objectStore("photos"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

/**
 * Keep an item, with its photo. Once this resolves it survives reload and restart.
 * @param {Item} item
 * @param {ArrayBuffer | null} octets
 */
export async function add(item, octets) {
  await within("readwrite", (items, photos) => {
    if (octets) photos.put(octets, item.id);
    return items.add(item);
  });
}

/** A person's items, in the order in which they were given. @param {string} person @returns {Promise<Item[]>} */
export async function list(person) {
  const all = /** @type {Item[]} */ (await within("readonly", (items) => items.getAll()));
  return all.filter((item) => item.person === person);
}

/** How many items of anybody are not received. @returns {Promise<number>} */
export async function countUnsent() {
  const all = /** @type {Item[]} */ (await within("readonly", (items) => items.getAll()));
  return all.filter((item) => item.state !== "received").length;
}

/** A photo's bytes as they were chosen. @param {Item} item @returns {Promise<ArrayBuffer | undefined>} */
export function photoOf(item) {
  return within("readonly", (_, photos) => photos.get(item.id));
}

/** Write down what became of an item; the bytes of a received photo are the server's now. @param {Item} item */
export async function change(item) {
  await within("readwrite", (items, photos) => {
    if (item.state === "received") photos.delete(item.id);
    return items.put(item);
  });
}

/** Send an item again as a new command, in its old place. @param {Item} item @param {string} id */
export async function renew(item, id) {
  const octets = await photoOf(item);
  await within("readwrite", (items, photos) => {
    photos.delete(item.id);
    if (octets) photos.put(octets, id);
    return items.put({ ...item, id, state: "waiting", reason: "", theirs: null });
  });
}

/** Forget an item, for good. @param {Item} item */
export async function remove(item) {
  await within("readwrite", (items, photos) => {
    photos.delete(item.id);
    return items.delete(/** @type {number} */ (item.n));
  });
}

/** Forget everything of everybody. */
export async function forget() {
  await within("readwrite", (items, photos) => {
    photos.clear();
    return items.clear();
  });
}
