// Hatches, stripes and their like, drawn once a colour.

type Weave = "hatch" | "stripes" | "gaps" | "lock" | "alarm";

const woven = new Map<string, CanvasPattern>();

export function weave(ctx: CanvasRenderingContext2D, kind: Weave, colour: string, dpr: number): CanvasPattern {
  const key = `${kind}${colour}${dpr}`;
  let pattern = woven.get(key);
  if (!pattern) woven.set(key, pattern = make(ctx, kind, colour, dpr));
  return pattern;
}

const THICKNESS: { [kind in Weave]: number } = { hatch: 1, stripes: 3, gaps: 1.6, lock: 1.5, alarm: 1.6 };

function make(ctx: CanvasRenderingContext2D, kind: Weave, colour: string, dpr: number): CanvasPattern {
  const size = kind === "lock" ? 4 : kind === "alarm" ? 6 : 8;
  const tile = document.createElement("canvas");
  tile.width = tile.height = Math.round(size * dpr);
  const pen = tile.getContext("2d")!;
  pen.scale(tile.width / size, tile.height / size);
  pen.strokeStyle = colour;
  pen.lineWidth = THICKNESS[kind];
  pen.beginPath();
  if (kind === "lock") {
    pen.moveTo(size / 2, 0);
    pen.lineTo(size / 2, size);
  } else {
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 1, size + 1);
      pen.lineTo(shift + size + 1, -1);
    }
  }
  pen.stroke();
  const pattern = ctx.createPattern(tile, "repeat")!;
  pattern.setTransform(new DOMMatrix().scale(size / tile.width, size / tile.height));
  return pattern;
}
