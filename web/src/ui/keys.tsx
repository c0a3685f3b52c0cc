import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Story, go, goToDirtiness, goToLoss, look, setAxis, wholeView, zoom, zoomToStep } from "../story";

const helpOpen = signal(false);
export const showKeys = (): void => { helpOpen.value = true; };

const KEYS: [string, string][] = [
  ["← →", "one step back, on"],
  ["Shift ← →, PgUp PgDn", "ten steps"],
  ["Home End", "the first step, the last"],
  [", .", "the step before, after, that changes what is dirty"],
  ["l", "to where the page is forgotten; again: the next such place"],
  ["+ −", "zoom"],
  ["z", "zoom to the steps around this one"],
  ["0", "the whole life"],
  ["t", "by step, by time"],
  ["?", "these keys"],
];

const LETTERS: [string, string][] = [
  ["PWD", "TLB, PTE: present, writable, dirty"],
  ["LDW", "PG_: locked, dirty, under writeback"],
  ["DL", "a block's buffer: dirty, locked"],
  ["DWT", "tags, by which a sync finds the page: dirty, writeback, to write"],
  ["disk", "what a read would return now; media: what a power cut would leave"],
];

function act(story: Story, event: KeyboardEvent): boolean {
  const here = story.cursor.value;
  switch (event.key) {
    case "ArrowLeft": go(story, here - (event.shiftKey ? 10 : 1)); return true;
    case "ArrowRight": go(story, here + (event.shiftKey ? 10 : 1)); return true;
    case "PageUp": go(story, here - 10); return true;
    case "PageDown": go(story, here + 10); return true;
    case "Home": go(story, 0); return true;
    case "End": go(story, Infinity); return true;
    case ",": goToDirtiness(story, -1); return true;
    case ".": goToDirtiness(story, 1); return true;
    case "l": goToLoss(story); return true;
    case "+": case "=": zoom(story, 0.5); return true;
    case "-": zoom(story, 2); return true;
    case "z": zoomToStep(story); return true;
    case "0": { const whole = wholeView(story); look(story, whole.from, whole.to); return true; }
    case "t": setAxis(story, story.axis.value === "step" ? "time" : "step"); return true;
    case "?": showKeys(); return true;
    default: return false;
  }
}

// Keys step wherever the focus is, but for what has a use for keys itself.
export function useKeys(story: Story): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || helpOpen.value) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest("input, select, textarea, .scrolls, [data-own-keys]")) return;
      if (act(story, event)) event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [story]);
}

export function KeysDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (helpOpen.value) dialog.current?.showModal();
  }, [helpOpen.value]);
  return (
    <dialog ref={dialog} aria-labelledby="keys-title" onClose={() => { helpOpen.value = false; }}
      onClick={event => { if (event.target === dialog.current) dialog.current?.close(); }}>
      <h2 id="keys-title">Keys</h2>
      <dl>
        {KEYS.map(([key, does]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{does}</dd></div>)}
      </dl>
      <h3>Letters</h3>
      <dl>
        {LETTERS.map(([letters, means]) => <div key={letters}><dt><kbd>{letters}</kbd></dt><dd>{means}</dd></div>)}
      </dl>
      <form method="dialog"><button type="submit">Close</button></form>
    </dialog>
  );
}
