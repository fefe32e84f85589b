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

/** When it is expected; or, where it has not come, since when it is overdue. */
function expected(at: number | null, overdue: number | null): string {
  if (at !== null) return say("heading.expected", { time: clock(at) });
  return overdue === null ? "" : say("heading.overdue", { time: clock(overdue) });
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
    const parts = rising === null ? [] : [progress(rising), expected(rising.over_at, rising.overdue_since)];
    said.push([say("value.pending", { grade: named(pending) }), ...parts].filter(Boolean).join(" · "));
  }
  if (recovering !== null) {
    const towards = say("value.recovering", { grade: named(recovering.towards), time: clock(recovering.since) });
    const share = `${age(recovering.covered_ms)} / ${age(recovering.of_covered_ms)}`;
    said.push([towards, share, expected(recovering.lower_at, recovering.overdue_since)].filter(Boolean).join(" · "));
  }
  return said;
}
