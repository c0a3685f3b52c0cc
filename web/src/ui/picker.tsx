import { useSignal } from "@preact/signals";
import { type PickerEntry, type Story, pick } from "../story";
import { count, plural } from "../numbers";
import { pageName } from "../words";

const MOST = 200;

// "ino 1 page 7" means page 7, not page 70; other words are looked for in what the list says.
export function matches(entry: PickerEntry, filter: string): boolean {
  const rest = filter.toLowerCase().replace(/\b(ino|inode|page)\s+(\d+)/g, (_, what: string, number: string) =>
    (what === "page" ? entry.page : entry.ino) === Number(number) ? "" : "\u0000");
  const text = `${pageName(entry)} ${entry.entries.map(page => page?.why ?? "").join(" ")}`.toLowerCase();
  return rest.split(/\s+/).filter(Boolean).every(word => text.includes(word));
}

export function Picker({ story, open }: { story: Story; open: boolean }) {
  const filter = useSignal("");
  const found = story.pages.filter(entry => matches(entry, filter.value));
  const picked = story.pages.find(entry => entry.key === story.picked.value.key);
  return (
    <details class={open ? "picker" : "picker above"} open={open && !matchMedia("(max-width: 1100px)").matches}>
      <summary>
        <h2>Pages</h2>
        <span class="count">{count(story.pages.length)}</span>
        {picked && <span class="chosen">{pageName(picked)}</span>}
      </summary>
      <label>
        <span class="unseen">Filter pages</span>
        <input type="search" value={filter.value} placeholder="ino 1 page 7, lost…"
          onInput={event => { filter.value = event.currentTarget.value; }} />
      </label>
      <ul onKeyDown={walkList}>
        {found.slice(0, MOST).map(entry => <Entry key={entry.key} story={story} entry={entry} />)}
      </ul>
      {found.length > MOST && <p class="more">{plural(found.length - MOST, "more page")}: filter to see them.</p>}
      {!found.length && <p class="more">No page is like that.</p>}
    </details>
  );
}

function Entry({ story, entry }: { story: Story; entry: PickerEntry }) {
  const current = entry.key === story.picked.value.key;
  return (
    <li>
      <button type="button" aria-current={current ? "true" : undefined} class={entry.worst ? "page bad" : "page"}
        data-page={entry.key} onClick={() => pick(story, entry.key)}>
        <span class="name">{pageName(entry)}</span>
        <span class="steps">{plural(Math.max(...entry.entries.map(page => page?.steps ?? 0)), "step")}</span>
        <span class="why">{whyOf(entry)}</span>
      </button>
    </li>
  );
}

function whyOf(entry: PickerEntry): string {
  if (entry.entries.length === 1) return grouped(entry.entries[0]?.why ?? "");
  return entry.entries.map((page, r) => `${"AB"[r]}: ${page ? grouped(page.why) || "nothing" : "not in the file"}`).join(" · ");
}

const grouped = (words: string) => words.replace(/\d{4,}/g, digits => count(Number(digits)));

function walkList(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const item = (event.target as HTMLElement).closest("li");
  const next = event.key === "ArrowDown" ? item?.nextElementSibling : item?.previousElementSibling;
  next?.querySelector("button")?.focus();
  event.preventDefault();
}
