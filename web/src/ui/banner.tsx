import type { Finding } from "../format";
import { type Story, go, pick } from "../story";
import type { Run } from "../run";
import { duration } from "../numbers";
import { findingWords, leftOut, verdictWords } from "../words";

const ENDINGS: { [ended: string]: string } = { "power cut": "ended by a power cut", "deadlock": "ended in a deadlock" };

const isFine = (run: Run) => /^Nothing was lost$/.test(verdictWords(run.meta.verdict));

export function Banner({ story }: { story: Story }) {
  const two = story.runs.length > 1;
  return (
    <div class={two ? "banners" : undefined}>
      {two && <h1 class="unseen">{story.runs.map(run => run.meta.title).join(" and ")}</h1>}
      {story.runs.map((run, r) => <Verdict key={r} story={story} run={run} r={r} />)}
    </div>
  );
}

function Verdict({ story, run, r }: { story: Story; run: Run; r: number }) {
  const { meta } = run;
  const Heading = story.runs.length > 1 ? "h2" : "h1";
  const finding = meta.findings[0];
  const missing = leftOut(meta);
  return (
    <div class={isFine(run) ? "verdict fine" : "verdict bad"} data-run={r}>
      <div class="headline"><Heading>
        {story.runs.length > 1 && <span class="runLetter">{letterOf(r)}</span>}
        {verdictWords(meta.verdict)}<span class="stop">.</span>
      </Heading>
      {finding && <button type="button" class="showMe" onClick={() => showFinding(story, r, finding)}>Show me</button>}
      </div>
      <p class="what">
        <b>{meta.title}</b>{meta.subtitle && ` · ${meta.subtitle}`} · {duration(meta.end_ps)} simulated, {ENDINGS[meta.ended] ?? meta.ended}
        {" · "}{meta.as_expected ? "as its config expects" : <strong class="alarm">not what its config expects</strong>}
      </p>
      {finding && <p class="finding">{findingWords(run, finding)}</p>}
      {missing && <p class="missing">{missing}</p>}
    </div>
  );
}

export const letterOf = (r: number): string => "AB"[r]!;

function showFinding(story: Story, r: number, finding: Finding): void {
  const page = story.runs[r]!.meta.pages[finding.page];
  if (!page) return;
  pick(story, `${page.ino}:${page.page}`);
  const { lives, merged } = story.picked.value;
  const number = story.runs[r]!.meta.findings.indexOf(finding);
  const loss = lives[r]?.losses.find(loss => loss.finding === number);
  const step = loss ? (loss.dropped >= 0 ? loss.dropped : loss.stored) : -1;
  if (step >= 0) go(story, merged.place[r]![step]!);
  document.getElementById("stepper")?.focus({ preventScroll: true });
  document.getElementById("page")?.scrollIntoView({ block: "nearest" });
}
