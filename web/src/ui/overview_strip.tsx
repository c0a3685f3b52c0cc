import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { drawOverview } from "../draw/overview";
import { PALETTES } from "../palette";
import { type Story, look, placeAtTime, timeOfPlace } from "../story";
import { duration } from "../numbers";
import { useWidth } from "./width";

// The whole run in one strip. Dragging in it moves the lanes' view.
export function Overview({ story }: { story: Story }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [box, width] = useWidth();
  const height = story.runs.length > 1 ? 38 : 26;
  useEffect(() => {
    const element = canvas.current;
    if (!element || !width) return;
    const ctx = element.getContext("2d")!;
    let frame = 0;
    const draw = () => {
      const dpr = devicePixelRatio || 1;
      element.width = Math.round(width * dpr);
      element.height = Math.round(height * dpr);
      drawOverview(ctx, {
        picked: story.picked.peek(), end: story.end, now: story.now.peek(), ...timesInView(story),
        palette: PALETTES[story.theme.peek()], width, height, dpr,
      });
    };
    const stop = effect(() => {
      story.picked.value; story.cursor.value; story.view.value; story.axis.value; story.theme.value;
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(draw);
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [story, width]);
  const brush = (event: PointerEvent) => {
    if (!(event.buttons & 1)) return;
    if (event.type === "pointerdown") canvas.current?.setPointerCapture(event.pointerId);
    centre(story, (event.offsetX / width) * story.end);
  };
  return (
    <div class="overview">
      <span class="label">the run, {duration(story.end, 3)}</span>
      <div ref={box} class="strip">
        <canvas ref={canvas} role="img" aria-label="Where in the whole run this page's steps are, and which part of it the lanes show"
          style={{ height: `${height}px` }} onPointerDown={brush} onPointerMove={brush} />
      </div>
    </div>
  );
}

function timesInView(story: Story): { from: number; to: number } {
  const { from, to } = story.view.peek();
  if (story.axis.peek() === "time") return { from, to };
  const picked = story.picked.peek();
  if (!picked.merged.count) return { from: 0, to: 0 };
  const place = (at: number) => Math.max(0, Math.min(picked.merged.count - 1, at));
  return { from: timeOfPlace(picked, place(Math.floor(from))), to: timeOfPlace(picked, place(Math.ceil(to) - 1)) };
}

function centre(story: Story, time: number): void {
  const { from, to } = story.view.value;
  const middle = story.axis.value === "time" ? time : placeAtTime(story, time);
  look(story, middle - (to - from) / 2, middle + (to - from) / 2);
}
