import type { Life } from "../history";
import { lossPlaces, timeOfPlace, type Picked } from "../story";
import type { Palette } from "../palette";

export interface OverviewFrame {
  picked: Picked;
  end: number;               // ps, of the strip
  from: number;              // ps, of what the lanes show
  to: number;
  now: number;
  palette: Palette;
  width: number;
  height: number;
  dpr: number;
}

// Where in the whole run this page's steps are, how dense, and which part of them the lanes show.
export function drawOverview(ctx: CanvasRenderingContext2D, frame: OverviewFrame): void {
  const { picked, end, palette, width, height, dpr } = frame;
  const x = (time: number) => (time / end) * (width - 2) + 1;
  ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.fillStyle = palette.now;
  const x0 = x(frame.from), x1 = Math.max(x0 + 3, x(frame.to));
  ctx.fillRect(x0, 0, x1 - x0, height);
  const band = (height - 8) / picked.lives.length;
  picked.lives.forEach((life, r) => { if (life) drawDensity(ctx, life, frame, 4 + r * band, band - 2); });
  ctx.fillStyle = palette.alarm;
  for (const place of lossPlaces(picked)) ctx.fillRect(x(timeOfPlace(picked, place)) - 1, 0, 2, height);
  ctx.strokeStyle = palette.quiet;
  ctx.lineWidth = 1;
  ctx.strokeRect(x0 + 0.5, 0.5, x1 - x0 - 1, height - 1);
  ctx.fillStyle = palette.accent;
  ctx.fillRect(x(frame.now) - 1, 0, 2, height);
}

function drawDensity(ctx: CanvasRenderingContext2D, life: Life, frame: OverviewFrame, top: number, height: number): void {
  const { palette, width, end } = frame;
  const pixels = new Uint32Array(Math.ceil(width) + 1);
  for (let step = 0; step < life.count; ++step) ++pixels[Math.floor((life.time[step]! / end) * (width - 2) + 1)]!;
  const most = Math.log2(1 + pixels.reduce((a, b) => Math.max(a, b), 1));
  ctx.fillStyle = palette.line;
  ctx.fillRect(1, top + height - 1, width - 2, 1);
  ctx.fillStyle = palette.quiet;
  pixels.forEach((n, at) => {
    if (!n) return;
    const tall = Math.max(4, (height * Math.log2(1 + n)) / most);
    ctx.fillRect(at, top + height - tall, 1.5, tall);
  });
}
