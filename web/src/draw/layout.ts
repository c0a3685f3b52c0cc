import type { Life } from "../history";

export interface Row { lane: number; y: number }

export interface Layout {
  width: number;
  height: number;
  gutter: number;
  rowHeight: number;
  pad: number;        // above and below a lane's bar
  rows: Row[];
  rowOf: Map<number, Row>;
  actorY: number;
  spanY: number[];
  flagY: number;      // -1: no flags
  lanesTop: number;
  lanesEnd: number;
}

const ACTOR = 20, SPAN = 15, FLAG = 20, AXIS = 29;

export function layoutOf(life: Life, width: number, tight: boolean): Layout {
  const lanes = life.shown;
  const rowHeight = lanes.length > 18 ? 16 : tight ? 19 : lanes.length > 14 ? 20 : lanes.length > 10 ? 23 : 25;
  let y = 2;
  const actorY = y;
  y += ACTOR;
  const spanY = life.spans.map((_, depth) => y + depth * SPAN);
  y += life.spans.length * SPAN;
  const flagY = life.losses.length ? y : -1;
  if (life.losses.length) y += FLAG;
  const lanesTop = y;
  const rows = lanes.map((lane, i) => ({ lane, y: lanesTop + i * rowHeight }));
  const lanesEnd = lanesTop + lanes.length * rowHeight;
  return {
    width, height: lanesEnd + AXIS, gutter: width < 600 ? 84 : 124, rowHeight, pad: rowHeight > 16 ? 3 : 2, rows,
    rowOf: new Map(rows.map(row => [row.lane, row])), actorY, spanY, flagY, lanesTop, lanesEnd,
  };
}
