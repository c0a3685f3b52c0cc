import { useEffect } from "preact/hooks";
import { wearTheme } from "../palette";
import { type Story, setTheme } from "../story";
import { Banner } from "./banner";
import { BytePanel } from "./byte_panel";
import { Configuration, Statistics } from "./configuration";
import { Counters } from "./counters";
import { KeysDialog, useKeys } from "./keys";
import { LanesPanel } from "./lanes_panel";
import { Latencies } from "./latencies";
import { Picker } from "./picker";
import { PlacesTable } from "./places_table";
import { Stepper } from "./stepper";
import { Later } from "./later";

export function App({ story }: { story: Story }) {
  useKeys(story);
  usePaper(story);
  const two = story.runs.length > 1;
  return (
    <>
      <header class="top">
        <Banner story={story} />
        <nav aria-label="Parts of the report">
          <a href="#page">One page's life</a>
          <a href="#counters">Counters</a>
          <a href="#latencies">Latencies</a>
          <a href="#configuration">Configuration</a>
          <a href="#statistics">Statistics</a>
          <ThemeButton story={story} />
        </nav>
      </header>
      <main>
        {story.pages.length === 0 ? <p class="alone">No page's events are in this file.</p> : <section id="page" class={two ? "explorer two" : "explorer"} aria-label="One page's life">
          <Picker story={story} open={!two} />
          <div class="life">
            <LanesPanel story={story} />
            <div class="now">
              <Stepper story={story} />
              <PlacesTable story={story} />
              <BytePanel story={story} />
            </div>
          </div>
        </section>}
        <Later>
          <Counters story={story} />
          <Latencies story={story} />
          <Configuration story={story} />
          <Statistics story={story} />
        </Later>
      </main>
      <footer>
        {story.runs.map(run => <p key={run.meta.command}><code>{run.meta.command}</code></p>)}
        <p>{story.runs[0]!.meta.tool}. This page asks nobody for anything: all that it shows is in the file.</p>
      </footer>
      <KeysDialog />
    </>
  );
}

function ThemeButton({ story }: { story: Story }) {
  const other = story.theme.value === "light" ? "dark" : "light";
  return (
    <button type="button" class="plain theme" onClick={() => setTheme(story, other)}>
      {other === "dark" ? "Dark" : "Light"}
    </button>
  );
}

// Paper is light, whatever the screen is.
function usePaper(story: Story): void {
  useEffect(() => {
    let before = story.theme.value;
    const print = () => {
      before = story.theme.value;
      story.theme.value = "light";
      wearTheme("light");
    };
    const printed = () => {
      story.theme.value = before;
      wearTheme(before);
    };
    addEventListener("beforeprint", print);
    addEventListener("afterprint", printed);
    return () => {
      removeEventListener("beforeprint", print);
      removeEventListener("afterprint", printed);
    };
  }, [story]);
}
