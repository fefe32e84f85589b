// Where an alarm is on its way to: the pending grade with its progress, and the recovery; each with when it is expected.

import { age, clock } from "./format";
import { Mark } from "./marks";
import type { Grade, Recovering, Rising } from "./wire";
import { say } from "./words";

interface On {
  pending: Grade | null;
  rising: Rising | null;
  recovering: Recovering | null;
}

/** `2/3`, or `4 min / 10 min`, or both: whichever is over first. */
function progress(rising: Rising): string {
  const counted = rising.of_samples === null ? [] : [`${rising.samples}/${rising.of_samples}`];
  const timed = rising.of_covered_ms === null ? [] : [`${age(rising.covered_ms)} / ${age(rising.of_covered_ms)}`];
  return [...counted, ...timed].join(" · ");
}

function expected(at: number | null): string {
  return at === null ? "" : say("heading.expected", { time: clock(at) });
}

function named(grade: Grade | null): string {
  return grade === null ? say("grade.clear") : say(`grade.${grade}`);
}

/** In a few characters, for a card. */
export function HeadingMark({ on }: { on: On }) {
  const { pending, rising, recovering } = on;
  if (pending !== null) {
    return (
      <>
        {" → "}
        <Mark grade={pending} size={14} hollow />
        {rising !== null && ` ${progress(rising)}`}
      </>
    );
  }
  if (recovering === null) return null;
  return (
    <>
      {" ↓ "}
      {named(recovering.towards)}
      {recovering.lower_at !== null && ` ${clock(recovering.lower_at)}`}
    </>
  );
}

/** In a sentence each. */
export function headings({ pending, rising, recovering }: On): string[] {
  const said: string[] = [];
  if (pending !== null) {
    const parts = rising === null ? [] : [progress(rising), expected(rising.over_at)];
    said.push([say("value.pending", { grade: named(pending) }), ...parts].filter(Boolean).join(" · "));
  }
  if (recovering !== null) {
    const towards = say("value.recovering", { grade: named(recovering.towards), time: clock(recovering.since) });
    const share = `${age(recovering.covered_ms)} / ${age(recovering.of_covered_ms)}`;
    said.push([towards, share, expected(recovering.lower_at)].filter(Boolean).join(" · "));
  }
  return said;
}
