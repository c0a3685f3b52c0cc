import { type Life, alarmAt, valueAt } from "../history";
import { DISK, MEDIA, keyOf, kindOf, lettersOf, lookOf, meaningOf, storyOf, titleOf } from "../lanes";
import { acts } from "../merge";
import { count } from "../numbers";
import type { Story } from "../story";
import { letterOf } from "./banner";
import { Glyph } from "./glyph";

// What each place holds just now. With two runs, side by side.
export function PlacesTable({ story }: { story: Story }) {
  const { lives, merged } = story.picked.value;
  const place = story.cursor.value;
  const known = lives.flatMap((life, r) => life ? [{ life, r, step: merged.stepOf[r]![place] ?? -1, acting: acts(merged, r, place) }] : []);
  const lanes = [...new Set(known.flatMap(({ life }) => life.shown))].sort(byOrderOf(known[0]?.life));
  const titled = (lane: number) => titleOf(lane, known.find(({ life }) => life.shown.includes(lane))!.life.entry);
  return (
    <section class="places" aria-label="The places now">
      <table>
        <caption class="unseen">What each place that knows of dirtiness holds, before and after the step</caption>
        <thead>
          <tr>
            <th scope="col">place</th>
            {known.map(({ r }) => <th key={r} scope="col" colSpan={2}>{known.length > 1 ? `${letterOf(r)} now` : "now"}</th>)}
          </tr>
        </thead>
        <tbody>
          {lanes.map(lane => (
            <tr key={lane}>
              <th scope="row" title={storyOf(lane)}><Glyph kind={kindOf(lane)} /> {titled(lane)}</th>
              {known.map(({ life, r, step, acting }) => <Cells key={r} life={life} r={r} lane={lane} step={step} acting={acting} brief={known.length > 1} />)}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const ALARM_WORDS = { "": "", unsaid: ", nothing says so", lost: ", lost" };

function byOrderOf(life: Life | undefined): (a: number, b: number) => number {
  const order = new Map(life?.shown.map((lane, i) => [lane, i]));
  return (a, b) => (order.get(a) ?? 99) - (order.get(b) ?? 99);
}

function Cells({ life, r, lane, step, acting, brief }: { life: Life; r: number; lane: number; step: number; acting: boolean; brief: boolean }) {
  const before = valueAt(life.lanes.get(lane), step - 1), after = valueAt(life.lanes.get(lane), step);
  const changed = acting && lettersOf(lane, before) !== lettersOf(lane, after);
  const alarm = lane === DISK ? alarmAt(life, step) : "";
  return (
    <>
      <td class={classOf(lane, after, changed, alarm !== "")} data-run={r} data-lane={keyOf(lane)}
        data-value={lettersOf(lane, after)} data-before={lettersOf(lane, acting ? before : after)}>
        {changed && <span class="was">{shown(lane, before)} → </span>}
        <b>{shown(lane, after)}</b>
      </td>
      <td class={changed ? "means changed" : "means"}>
        {brief ? "" : meaningOf(lane, after) + ALARM_WORDS[alarm]}
      </td>
    </>
  );
}

const shown = (lane: number, value: number) => lane === DISK || lane === MEDIA ? count(value) : lettersOf(lane, value);

function classOf(lane: number, value: number, changed: boolean, alarming: boolean): string {
  const { fill, locked } = lookOf(lane, value);
  const loud = locked || fill === "solid" || fill === "both" || fill === "stripes";
  return ["value", changed ? "changed" : "", alarming ? "alarm" : "", loud ? "set" : ""].filter(Boolean).join(" ");
}
