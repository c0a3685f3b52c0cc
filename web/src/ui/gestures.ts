// Wheel, drag, pinch and click on lanes, told in the axis' units.
export interface Handlers {
  at(x: number): number;
  perPixel(): number;
  whole(): boolean;
  zoom(factor: number, around: number): void;
  pan(by: number): void;
  click(position: number): void;
  hover(position: number | null, x: number, y: number): void;
}

const CLICK = 4;   // px that a pointer may move in a click

export function gestures(element: HTMLElement, on: Handlers): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let moved = 0;
  const local = (event: MouseEvent) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  const wheel = (event: WheelEvent) => {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (!sideways && event.deltaY > 0 && on.whole()) return;   // nothing more to zoom out of: the page scrolls
    event.preventDefault();
    if (sideways) on.pan(sideways * on.perPixel());
    else on.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.005), on.at(local(event).x));
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, local(event));
    moved = pointers.size > 1 ? Infinity : 0;
  };
  const move = (event: PointerEvent) => {
    const here = local(event), before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") on.hover(on.at(here.x), here.x, here.y);
      return;
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const was = Math.max(10, Math.abs(before.x - other.x)), is = Math.max(10, Math.abs(here.x - other.x));
      on.zoom(was / is, on.at((here.x + other.x) / 2));
    } else {
      moved += Math.abs(here.x - before.x);
      if (moved < CLICK) return;
      if (!element.hasPointerCapture(event.pointerId)) element.setPointerCapture(event.pointerId);
      on.hover(null, 0, 0);
      on.pan((before.x - here.x) * on.perPixel());
    }
    pointers.set(event.pointerId, here);
  };
  const up = (event: PointerEvent) => {
    if (pointers.delete(event.pointerId) && moved < CLICK) on.click(on.at(local(event).x));
  };
  const gone = (event: PointerEvent) => { pointers.delete(event.pointerId); };
  const leave = () => on.hover(null, 0, 0);

  element.addEventListener("wheel", wheel, { passive: false });
  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", gone);
  element.addEventListener("pointerleave", leave);
  return () => {
    element.removeEventListener("wheel", wheel);
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", gone);
    element.removeEventListener("pointerleave", leave);
  };
}
