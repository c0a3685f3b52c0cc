import { GLYPHS } from "../glyphs";
import type { Kind } from "../lanes";

export function Glyph({ kind }: { kind: Kind }) {
  return (
    <svg class="glyph" viewBox="0 0 12 12" width="11" height="11" aria-hidden="true">
      <path d={GLYPHS[kind]} fill={`var(--${kind === "media" ? "disk" : kind === "cached" ? "memory" : kind})`} fill-rule="evenodd" />
    </svg>
  );
}
