// What has happened, newest first, and who did it.

import { clock, moment } from "./format";
import type { Entry } from "./wire";
import { say, sayCode } from "./words";

const LOUD = new Set(["evidence_lost", "acknowledgement_due", "undelivered", "refused"]);

export function Story({ entries }: { entries: Entry[] }) {
  return (
    <section class="panel">
      <h2>{say("section.story")}</h2>
      <ol class="story">
        {[...entries].reverse().map((entry, at) => (
          <li key={`${entry.at}-${entries.length - at}`} class={LOUD.has(entry.what) ? "loud" : ""}>
            <time title={moment(entry.at)}>{clock(entry.at)}</time>
            <span>
              <b>{sayCode("what", entry.what)}</b>
              {entry.who !== null && <span class="who"> {entry.who}</span>}
              {entry.note !== "" && <span class="muted"> {entry.note}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
