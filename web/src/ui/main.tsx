import { render } from "preact";
import { readEvents } from "../decode";
import { type Meta, UnreadableData, parseMeta } from "../format";
import { wearTheme } from "../palette";
import { type Run, makeRun } from "../run";
import { makeStory, rememberedTheme } from "../story";
import { followAddress } from "./address";
import { App } from "./app";

const NO_DATA = "This is the empty report page: it holds no run. " +
  "mkclean puts one in: mkclean run CONFIG --report FILE.html.";

async function readRuns(): Promise<Run[]> {
  const runs: Run[] = [];
  for (let n = 0; ; ++n) {
    const described = document.getElementById(`meta-${n}`), events = document.getElementById(`events-${n}`);
    if (!described) return runs;
    const meta: Meta = parseMeta(described.textContent ?? "");
    const decoded = await readEvents(events?.textContent ?? "");
    events?.remove();
    runs.push(makeRun(meta, decoded));
  }
}

function say(root: HTMLElement, sentence: string): void {
  render(<main class="alone"><h1>mkclean</h1><p>{sentence}</p></main>, root);
}

async function start(): Promise<void> {
  const root = document.getElementById("report")!;
  const theme = rememberedTheme();
  wearTheme(theme);
  try {
    const runs = await readRuns();
    if (!runs.length) return say(root, NO_DATA);
    document.title = `${runs.map(run => run.meta.title).join(" and ")} – mkclean`;
    const story = makeStory(runs, theme);
    followAddress(story);
    root.replaceChildren();
    render(<App story={story} />, root);
    requestAnimationFrame(() => requestAnimationFrame(() => {
      document.documentElement.dataset["ready"] = String(Math.round(performance.now()));
    }));
  } catch (error) {
    if (!(error instanceof UnreadableData)) throw error;
    say(root, error.message);
  }
}

void start();
