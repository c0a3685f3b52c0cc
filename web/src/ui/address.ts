import { effect } from "@preact/signals";
import { type Story, go, pick, setAxis } from "../story";

// The address says what the reader looks at, so that it can be sent to somebody, or found again after a reload.
export function followAddress(story: Story): void {
  const said = new URLSearchParams(location.hash.slice(1));
  const page = said.get("page");
  if (page !== null && story.pages.some(({ key }) => key === page)) {
    pick(story, page);
    if (said.get("axis") === "time") setAxis(story, "time");
    go(story, Number(said.get("step")) - 1 || 0);
  }
  let timer = 0;
  let first = true;
  effect(() => {
    const address = `#page=${story.picked.value.key}&step=${story.cursor.value + 1}${story.axis.value === "time" ? "&axis=time" : ""}`;
    if (first) {
      first = false;
      return;
    }
    clearTimeout(timer);
    timer = window.setTimeout(() => write(address), 250);
  });
}

function write(address: string): void {
  try {
    history.replaceState(null, "", address);
  } catch { /* some browsers let no file change its address */ }
}
