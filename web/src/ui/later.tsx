import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

// What is below the fold comes after the first picture.
export function Later({ children }: { children: ComponentChildren }) {
  const [due, setDue] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), 50);
    return () => clearTimeout(timer);
  }, []);
  return due ? <>{children}</> : null;
}
