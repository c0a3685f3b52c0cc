// An encoder of the report's format, written from its description and from nothing else.
import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";

class Bytes {
  constructor(room = 1024) { this.bytes = new Uint8Array(room); this.length = 0; }

  varint(value) {
    if (this.length + 10 > this.bytes.length) {
      const more = new Uint8Array(this.bytes.length * 2);
      more.set(this.bytes);
      this.bytes = more;
    }
    while (value >= 128) {
      this.bytes[this.length++] = (value % 128) + 128;
      value = Math.floor(value / 128);
    }
    this.bytes[this.length++] = value;
  }

  append(other) {
    const all = new Uint8Array(this.length + other.length);
    all.set(this.bytes.subarray(0, this.length));
    all.set(other.bytes.subarray(0, other.length), this.length);
    this.bytes = all;
    this.length = all.length;
  }

  get done() { return this.bytes.subarray(0, this.length); }
}

// events: {t, actor, site, phase, page, block, a, b, cause, changes: [[lane, value], ...]}; page, block and cause may
// be undefined; cause is the number of an event.
export function encodeEvents(events) {
  const columns = Array.from({ length: 8 }, () => new Bytes());
  let before = 0;
  events.forEach((event, i) => {
    columns[0].varint(event.t - before);
    before = event.t;
    columns[1].varint(event.actor);
    columns[2].varint(event.site * 4 + (event.phase ?? 0));
    columns[3].varint(event.page === undefined ? 0 : event.page + 1);
    columns[4].varint(event.block === undefined ? 0 : event.block + 1);
    columns[5].varint(event.a ?? 0);
    columns[5].varint(event.b ?? 0);
    columns[6].varint(event.cause === undefined ? 0 : i - event.cause);
    const changes = event.changes ?? [];
    columns[7].varint(changes.length);
    for (const [lane, value] of changes) {
      columns[7].varint(lane);
      columns[7].varint(value);
    }
  });
  const file = new Bytes();
  file.varint(events.length);
  for (const column of columns) {
    file.varint(column.length);
    file.append(column);
  }
  return file.done;
}

export const pack = bytes => gzipSync(bytes, { level: 6 }).toString("base64");

// runs: {meta, events} or {meta, packed}
export function dataOf(runs) {
  return runs.map(({ meta, events, packed }, n) =>
    `<script type="application/json" id="meta-${n}">${JSON.stringify(meta).replaceAll("<", "\\u003c")}</script>\n` +
    `<script type="application/octet-stream" id="events-${n}">${packed ?? pack(encodeEvents(events))}</script>\n`).join("");
}

const built = new URL("../dist/report.html", import.meta.url);

export function reportOf(runs) {
  return readFileSync(built, "utf8").replace("<!--mkclean:data-->", () => dataOf(runs));
}
