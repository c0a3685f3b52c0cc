import type { Life, Loss } from "../history";
import { alarmAt, changesOf } from "../history";
import { changeOf } from "../lanes";
import { acts } from "../merge";
import { spansAround } from "../run";
import { type Story, go, goToDirtiness, goToLoss, lossPlaces } from "../story";
import { count, duration, instant, plural } from "../numbers";
import { argumentWords, actorName, cyclesOf, effectWords, pageName, siteName, spanWords } from "../words";
import { letterOf } from "./banner";
import { showKeys } from "./keys";

export function Stepper({ story }: { story: Story }) {
  const { merged, lives } = story.picked.value;
  const place = story.cursor.value;
  if (!merged.count) return <section class="stepper" aria-label="Step"><p>No step of this page is in the file.</p></section>;
  const r = merged.run[place]!, step = merged.step[place]!, life = lives[r]!;
  return (
    <section class="stepper" id="stepper" tabIndex={-1} aria-label="Step">
      <Buttons story={story} />
      <div aria-live="polite" aria-atomic="true" class="told">
        <StepText story={story} life={life} r={r} step={step} />
      </div>
    </section>
  );
}

function acting(story: Story): number[] {
  const { merged, lives } = story.picked.value;
  return lives.flatMap((_, r) => acts(merged, r, story.cursor.value) ? [r] : []);
}

const Icon = ({ path }: { path: string }) => (
  <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true"><path d={path} fill="currentColor" stroke="currentColor" stroke-width="1.2" stroke-linejoin="round" /></svg>
);

function Buttons({ story }: { story: Story }) {
  const last = story.picked.value.merged.count - 1;
  const place = story.cursor.value;
  return (
    <div class="buttons" role="group" aria-label="Stepping">
      <button type="button" aria-label="First step" disabled={place === 0} onClick={() => go(story, 0)}><Icon path="M2 2V10M10 2L4 6L10 10Z" /></button>
      <button type="button" aria-label="Step back" disabled={place === 0} onClick={() => go(story, place - 1)}><Icon path="M9 1.5L3 6L9 10.5Z" /></button>
      <button type="button" aria-label="Step on" disabled={place === last} onClick={() => go(story, place + 1)}><Icon path="M3 1.5L9 6L3 10.5Z" /></button>
      <button type="button" aria-label="Last step" disabled={place === last} onClick={() => go(story, last)}><Icon path="M10 2V10M2 2L8 6L2 10Z" /></button>
      <label>
        <span class="unseen">Step </span><input type="number" min={1} max={last + 1} value={place + 1} data-jump style={{ width: `${String(last + 1).length + 4}ch` }}
          onChange={event => go(story, event.currentTarget.valueAsNumber - 1 || 0)} /> of {count(last + 1)}
      </label>
      <span class="gap" />
      <button type="button" title="Previous step that changes what is dirty (,)" onClick={() => goToDirtiness(story, -1)}>‹D</button>
      <button type="button" title="Next step that changes what is dirty (.)" onClick={() => goToDirtiness(story, 1)}>D›</button>
      {lossPlaces(story.picked.value).length > 0 &&
        <button type="button" class="alarm" title="Where the page is forgotten (l)" onClick={() => goToLoss(story)}>loss</button>}
      <button type="button" title="Keys (?)" aria-label="Keys" onClick={showKeys}>?</button>
    </div>
  );
}

function StepText({ story, life, r, step }: { story: Story; life: Life; r: number; step: number }) {
  const { run } = life;
  const event = life.events[step]!;
  const site = run.meta.sites[run.events.site[event]!];
  const time = life.time[step]!;
  const since = step > 0 ? time - life.time[step - 1]! : null;
  const block = run.events.block[event]!;
  return (
    <>
      <h2>
        {story.runs.length > 1 && acting(story).map(r => <span key={r} class="runLetter">{letterOf(r)}</span>)}
        <span class="siteName" data-site>{siteName(run, event)}</span>
        <span class="who"> by {actorName(run, event)}</span>
      </h2>
      {effectsOf(story).map(({ runs, life, step }) => (
        <Effect key={runs.join()} letters={story.runs.length > 1 ? runs.map(letterOf).join(" and ") : ""} life={life} step={step} />
      ))}
      {site?.words && <p class="words">{site.words}</p>}
      <dl>
        <div><dt>on</dt><dd>{pageName(life.entry)}{block > 0 ? ` block ${block - 1}` : ""}{story.runs.length > 1 && `, step ${count(step + 1)} of ${count(life.count)} of ${run.meta.title}`}</dd></div>
        <div><dt>at</dt><dd>cycle {count(cyclesOf(run.meta, time))}, {instant(time)} after power-on</dd></div>
        {since !== null && <div><dt>after</dt><dd>{plural(cyclesOf(run.meta, since), "cycle")} ({duration(since)}) after the page's step before</dd></div>}
        {spansAround(run, event).filter(span => span !== event).map(span => (
          <div key={span}><dt>in</dt><dd>{spanWords(run, span)}</dd></div>
        ))}
        <Cause story={story} life={life} r={r} step={step} />
        {site?.function && <div><dt>code</dt><dd><code>{site.function}</code>{site.source && ` ${site.source}`}</dd></div>}
      </dl>
    </>
  );
}

interface Effects { runs: number[]; life: Life; step: number }

// What the step does, in each run that takes it; once, if it is the same in both.
function effectsOf(story: Story): Effects[] {
  const { merged, lives } = story.picked.value;
  const all: (Effects & { words: string })[] = [];
  for (const r of acting(story)) {
    const life = lives[r]!, step = merged.stepOf[r]![story.cursor.value]!;
    const words = `${effectWords(life, step)} ${alarmAt(life, step)} ${isFlagged(life, step)}`;
    const same = all.find(effect => effect.words === words);
    if (same) same.runs.push(r);
    else all.push({ runs: [r], life, step, words });
  }
  return all;
}

const isFlagged = (life: Life, step: number) => life.losses.some(loss => loss.dropped === step || loss.stored === step);

function Effect({ letters, life, step }: { letters: string; life: Life; step: number }) {
  const said = argumentWords(life.run, life.events[step]!);
  const changes = changesOf(life, step);
  const where = letters && `In ${letters}: `;
  return (
    <>
      <p class="changes" data-changes>
        {letters && <span class="where">{letters}</span>}
        {said && <span>{said}</span>}
        {changes.map(({ lane, before, after }) => <span key={lane}>{changeOf(lane, before, after)}</span>)}
        {!said && !changes.length && <span class="none">changes nothing of this page's</span>}
      </p>
      <Flag said={`${where}after this step nothing knows that the page is dirty`} losses={life.losses.filter(loss => loss.dropped === step)} />
      <Flag said={`${where}this store is lost`} losses={life.losses.filter(loss => loss.stored === step && loss.kind === "lost")} />
      <Flag said={`${where}a sync promises this store, and does not keep it`} losses={life.losses.filter(loss => loss.stored === step && loss.kind === "lie")} />
      {!isFlagged(life, step) && alarmAt(life, step) === "unsaid" &&
        <p class="flag soft">{capital(`${where}memory is newer than the disk, and nothing says so`)}.</p>}
    </>
  );
}

const capital = (words: string) => words[0]!.toUpperCase() + words.slice(1);

function Flag({ said, losses }: { said: string; losses: Loss[] }) {
  if (!losses.length) return null;
  const ranges = joined(losses.map(({ offset, length }) => [offset, offset + length]));
  const all = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
  return <p class="flag">{capital(said)}: bytes {ranges.map(([from, to]) => `${from}..${to - 1}`).join(", ")} ({count(all)}).</p>;
}

// Ranges that touch or overlap, as one.
function joined(ranges: [number, number][]): [number, number][] {
  const all: [number, number][] = [];
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = all.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}

function Cause({ story, life, r, step }: { story: Story; life: Life; r: number; step: number }) {
  const { run } = life;
  const event = run.events.cause[life.events[step]!]!;
  const cause = life.cause[step]!;
  if (event < 0) return null;
  const told = `${siteName(run, event)} by ${actorName(run, event)}`;
  if (cause < 0) return <div><dt>because of</dt><dd>{told}, {duration(life.time[step]! - run.events.time[event]!)} before, not a step of this page</dd></div>;
  return (
    <div>
      <dt>because of</dt>
      <dd>
        <button type="button" class="link" data-cause={cause + 1} onClick={() => go(story, story.picked.value.merged.place[r]![cause]!)}>
          step {count(story.picked.value.merged.place[r]![cause]! + 1)}
        </button>: {told}
      </dd>
    </div>
  );
}
