import { useSignal } from "@preact/signals";
import type { Stat } from "../format";
import type { Story } from "../story";
import { count, plural } from "../numbers";
import { letterOf } from "./banner";

interface OptionRow { name: string; help: string; values: (string | undefined)[]; set: (string | undefined)[]; differs: boolean; own: boolean }

function optionRows(story: Story): OptionRow[] {
  const rows = new Map<string, OptionRow>();
  story.runs.forEach((run, r) => run.meta.config.forEach(option => {
    let row = rows.get(option.name);
    if (!row) {
      const nothing = story.runs.map(() => undefined);
      rows.set(option.name, row = { name: option.name, help: option.help, values: [...nothing], set: [...nothing], differs: false, own: false });
    }
    row.values[r] = option.value;
    row.set[r] = option.set;
    row.own ||= option.set !== "";
  }));
  const all = [...rows.values()];
  for (const row of all) row.differs = new Set(row.values).size > 1;
  const rank = (row: OptionRow) => row.differs ? 0 : row.own ? 1 : 2;
  return all.sort((a, b) => rank(a) - rank(b));
}

function Search({ label, value, onInput }: { label: string; value: string; onInput: (text: string) => void }) {
  return (
    <label class="search"><span class="unseen">{label}</span>
      <input type="search" placeholder={label} value={value} onInput={event => onInput(event.currentTarget.value)} />
    </label>
  );
}

export function Configuration({ story }: { story: Story }) {
  const filter = useSignal("");
  const rows = optionRows(story);
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter(row => words.every(word => `${row.name} ${row.values.join(" ")} ${row.help}`.toLowerCase().includes(word)));
  const set = rows.filter(row => row.own).length, differ = rows.filter(row => row.differs).length;
  return (
    <section id="configuration" aria-labelledby="configuration-title">
      <h2 id="configuration-title">Configuration</h2>
      <p class="lead">
        {plural(rows.length, "option")}; {count(set)} of them {set === 1 ? "is" : "are"} not left at the default and come first.
        {story.runs.length > 1 && ` ${count(differ)} differ${differ === 1 ? "s" : ""} between A and B, before all others.`}
      </p>
      <Search label="Search options" value={filter.value} onInput={text => { filter.value = text; }} />
      <div class="scrolls" tabIndex={0} role="region" aria-label="Options" data-own-keys>
        <table class="options">
          <thead>
            <tr><th scope="col">option</th>{story.runs.map((_, r) => <th key={r} scope="col">{story.runs.length > 1 ? letterOf(r) : "value"}</th>)}
              <th scope="col">set in</th><th scope="col">is</th></tr>
          </thead>
          <tbody>
            {found.map(row => (
              <tr key={row.name} class={row.differs ? "differs" : row.own ? "own" : undefined}>
                <th scope="row"><code>{row.name}</code></th>
                {row.values.map((value, r) => <td key={r} class="value">{value ?? "–"}</td>)}
                <td class="set">{[...new Set(row.set.filter(Boolean))].join(", ") || "default"}</td>
                <td>{row.help}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!found.length && <p class="lead">No option is like that.</p>}
    </section>
  );
}

type Flat = [path: string, value: string];

function flatten(stat: Stat, path: string): Flat[] {
  if (stat === null || typeof stat !== "object") return [[path, typeof stat === "number" ? count(stat) : String(stat)]];
  const under = (name: string) => path ? `${path}.${name}` : name;
  return Object.entries(stat).flatMap(([name, inner]) => flatten(inner, under(name)));
}

export function Statistics({ story }: { story: Story }) {
  const filter = useSignal("");
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const byRun = story.runs.map(run => new Map(flatten(run.meta.stats, "")));
  const paths = [...new Set(byRun.flatMap(stats => [...stats.keys()]))].filter(path => words.every(word => path.toLowerCase().includes(word)));
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const name = path.includes(".") ? path.slice(0, path.indexOf(".")) : "run";
    groups.set(name, [...groups.get(name) ?? [], path]);
  }
  return (
    <section id="statistics" aria-labelledby="statistics-title">
      <h2 id="statistics-title">Statistics</h2>
      <Search label="Search statistics" value={filter.value} onInput={text => { filter.value = text; }} />
      <div class="stats" data-own-keys>
        {[...groups].map(([name, members]) => (
          <details key={name} open={words.length > 0 || groups.size < 4 || members.length < 16}>
            <summary>{name} <span class="count">{members.length}</span></summary>
            <table>
              {story.runs.length > 1 && <thead><tr><th scope="col">name</th>{story.runs.map((_, r) => <th key={r} scope="col">{letterOf(r)}</th>)}</tr></thead>}
              <tbody>
                {members.map(path => {
                  const values = byRun.map(stats => stats.get(path) ?? "–");
                  return (
                    <tr key={path} class={new Set(values).size > 1 ? "differs" : undefined}>
                      <th scope="row">{path.startsWith(`${name}.`) ? path.slice(name.length + 1) : path}</th>
                      {values.map((value, r) => <td key={r}>{value}</td>)}
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </details>
        ))}
        {!paths.length && <p class="lead">No statistic is called that.</p>}
      </div>
    </section>
  );
}
