import type { Kind } from "./lanes";

// A shape a place, in a box of 12 by 12: for those to whom hues say nothing.
const CIRCLE = "M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10Z";
export const GLYPHS: { [kind in Kind]: string } = {
  tlb: "M6 1L11.5 11H.5Z",
  pte: "M1.5 1.5H10.5V10.5H1.5Z",
  key: "M4 1H8V4H11V8H8V11H4V8H1V4H4Z",
  pg: CIRCLE,
  bh: "M3 1.5H9L12 6L9 10.5H3L0 6Z",
  tags: "M6 0L12 6L6 12L0 6Z",
  inode: "M6 .5L11.7 4.7L9.5 11.3H2.5L.3 4.7Z",
  memory: "M.5 3.5H11.5V8.5H.5Z",
  disk: `${CIRCLE}M6 4.5a1.5 1.5 0 1 1 0 3a1.5 1.5 0 1 1 0-3Z`,
  media: `${CIRCLE}M6 3a3 3 0 1 1 0 6a3 3 0 1 1 0-6Z`,
  cached: "M1 1H11V11H1ZM3 3V9H9V3Z",
};
