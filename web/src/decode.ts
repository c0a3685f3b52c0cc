import { UnreadableData } from "./format";

export const INSTANT = 0, BEGIN = 1, END = 2, ALSO = 3;

// A column each, an event's number is its place.
export interface Events {
  count: number;
  time: Float64Array;         // ps since power-on
  actor: Uint16Array;
  site: Uint16Array;
  phase: Uint8Array;
  page: Uint32Array;          // 0: none, else 1 + index
  block: Uint16Array;         // 0: none, else 1 + block
  a: Float64Array;
  b: Float64Array;
  cause: Int32Array;          // the event that this one is because of, or -1
  changeStart: Uint32Array;   // count + 1: where an event's changes begin
  changeLane: Uint16Array;
  changeValue: Float64Array;
}

class Varints {
  constructor(private readonly bytes: Uint8Array, public at: number, private readonly end: number) {}

  next(): number {
    if (this.at >= this.end) throw new UnreadableData("The data in this file is damaged: a column is too short.");
    let byte = this.bytes[this.at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    let scale = 128;
    do {
      byte = this.bytes[this.at++]!;
      value += (byte & 127) * scale;   // arithmetic: values go up to 2^53, shifts to 2^32
      scale *= 128;
    } while (byte >= 128);
    if (this.at > this.end) throw new UnreadableData("The data in this file is damaged: a column is too short.");
    return value;
  }

  column(): Varints {
    const length = this.next();
    const column = new Varints(this.bytes, this.at, this.at + length);
    if (column.end > this.end) throw new UnreadableData("The data in this file is damaged: it ends too early.");
    this.at += length;
    return column;
  }

  get length(): number { return this.end - this.at; }
}

export function decodeEvents(bytes: Uint8Array): Events {
  const file = new Varints(bytes, 0, bytes.length);
  const count = file.next();
  const times = file.column(), actors = file.column(), sites = file.column(), pages = file.column();
  const blocks = file.column(), args = file.column(), causes = file.column(), changes = file.column();
  if (count > times.length) throw new UnreadableData("The data in this file is damaged: a column is too short.");

  const time = new Float64Array(count);
  for (let i = 0, now = 0; i < count; ++i) time[i] = now += times.next();
  const actor = new Uint16Array(count);
  for (let i = 0; i < count; ++i) actor[i] = actors.next();
  const site = new Uint16Array(count), phase = new Uint8Array(count);
  for (let i = 0; i < count; ++i) {
    const word = sites.next();
    site[i] = word >> 2;
    phase[i] = word & 3;
  }
  const page = new Uint32Array(count);
  for (let i = 0; i < count; ++i) page[i] = pages.next();
  const block = new Uint16Array(count);
  for (let i = 0; i < count; ++i) block[i] = blocks.next();
  const a = new Float64Array(count), b = new Float64Array(count);
  for (let i = 0; i < count; ++i) {
    a[i] = args.next();
    b[i] = args.next();
  }
  const cause = new Int32Array(count);
  for (let i = 0; i < count; ++i) {
    const back = causes.next();
    cause[i] = back > 0 && back <= i ? i - back : -1;
  }

  const most = changes.length >> 1;
  const changeStart = new Uint32Array(count + 1);
  const changeLane = new Uint16Array(most), changeValue = new Float64Array(most);
  let n = 0;
  for (let i = 0; i < count; ++i) {
    changeStart[i] = n;
    for (let left = changes.next(); left > 0; --left) {
      changeLane[n] = changes.next();
      changeValue[n++] = changes.next();
    }
  }
  changeStart[count] = n;
  return {
    count, time, actor, site, phase, page, block, a, b, cause, changeStart,
    changeLane: changeLane.subarray(0, n), changeValue: changeValue.subarray(0, n),
  };
}

type FromBase64 = (text: string) => Uint8Array<ArrayBuffer>;

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as unknown as { fromBase64?: FromBase64 }).fromBase64;
  if (native) return native.call(Uint8Array, text);
  const chars = atob(text.trim());
  const bytes = new Uint8Array(chars.length);
  for (let i = 0; i < chars.length; ++i) bytes[i] = chars.charCodeAt(i);
  return bytes;
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new UnreadableData("The data in this file is damaged: it cannot be decompressed.");
  }
}

export async function readEvents(base64: string): Promise<Events> {
  let packed: Uint8Array<ArrayBuffer>;
  try {
    packed = fromBase64(base64);
  } catch {
    throw new UnreadableData("The data in this file is damaged: it is not base64.");
  }
  return decodeEvents(await gunzip(packed));
}
