// What somebody saw and told by telephone: where, what, how bad, when, and how they are reached. It becomes an alarm like a
// sensor's, with the same life.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { may } from "./session";
import { ask, now, stale } from "./state";
import { WishForm } from "./wish";
import { GRADES } from "./wire";
import type { Page, Watch } from "./wire";
import { inLanguage, say } from "./words";

/** Whether the form is open. */
export const taking = signal(false);

interface Places {
  hazards: ReadonlyMap<string, string>;
  areas: ReadonlyMap<string, string>;
}

/** Pages of places that are asked for; a thousand places each. */
const PAGES_MAX = 50;

/** Every hazard and every area of the site. */
async function places(): Promise<Places | string> {
  const [hazards, areas] = [new Map<string, string>(), new Map<string, string>()];
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const from: string = after === null ? "" : `&after=${encodeURIComponent(after)}`;
    const answer = await ask<Page<Watch>>(`/api/v1/watches?limit=1000${from}`);
    if ("failed" in answer) return answer.failed.detail;
    for (const watch of answer.value.items) {
      if (watch.hazard !== null) hazards.set(watch.hazard, inLanguage(watch.hazard_names, watch.hazard));
      areas.set(watch.area, watch.area_name);
    }
    after = answer.value.next;
    if (after === null) break;
  }
  return { hazards, areas };
}

function Choice(props: { name: string; label: string; options: Iterable<[string, string]>; value: string; set: (value: string) => void }) {
  return (
    <label>
      {props.label}
      <select name={props.name} value={props.value} required onChange={(event) => props.set(event.currentTarget.value)}>
        <option value="" disabled>
          {say("report.choose")}
        </option>
        {[...props.options].map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Words(props: { name: string; label: string; hint?: string; value: string; set: (value: string) => void }) {
  return (
    <label class="grow">
      {props.label}
      <input
        name={props.name}
        value={props.value}
        maxLength={100}
        placeholder={props.hint}
        autocomplete="off"
        required
        onInput={(event) => props.set(event.currentTarget.value)}
      />
    </label>
  );
}

/** How long ago it was seen, in minutes. */
const AGES = [0, 5, 10, 15, 30, 60];

function Form({ known, done }: { known: Places; done: (words: string) => void }) {
  const [hazard, setHazard] = useState(known.hazards.size === 1 ? ([...known.hazards.keys()][0] ?? "") : "");
  const [area, setArea] = useState(known.areas.size === 1 ? ([...known.areas.keys()][0] ?? "") : "");
  const [place, setPlace] = useState("");
  const [grade, setGrade] = useState("");
  const [by, setBy] = useState("");
  const [age, setAge] = useState("0");
  const grades: [string, string][] = GRADES.map((it) => [it, say(`grade.${it}`)]);
  return (
    <WishForm<unknown>
      look="report"
      meaning={say("report.means")}
      word={say("report")}
      path="/api/v1/reports"
      body={() => {
        if ([hazard, area, place.trim(), grade, by.trim()].includes("")) return { missing: say("report.need") };
        const seen = new Date(now() - Number(age) * 60_000).toISOString();
        const when = age === "0" ? {} : { seen_at: seen };
        return { body: { hazard, area, place: place.trim(), grade, by: by.trim(), ...when } };
      }}
      done={() => done(say("report.done", { place: place.trim() }))}
      back={() => (taking.value = false)}
    >
      <Choice name="hazard" label={say("report.hazard")} options={known.hazards} value={hazard} set={setHazard} />
      <Choice name="area" label={say("report.area")} options={known.areas} value={area} set={setArea} />
      <Words name="place" label={say("report.place")} value={place} set={setPlace} />
      <Choice name="grade" label={say("report.grade")} options={[...grades, ["clear", say("report.clear")]]} value={grade} set={setGrade} />
      <Choice
        name="seen"
        label={say("report.seen")}
        options={AGES.map((minutes) => [String(minutes), minutes === 0 ? say("report.now") : say("report.ago", { n: minutes })])}
        value={age}
        set={setAge}
      />
      <Words name="by" label={say("report.by")} hint={say("report.by.hint")} value={by} set={setBy} />
    </WishForm>
  );
}

/** The button above the list, and the form under it. */
export function Report() {
  const [known, setKnown] = useState<Places | string | null>(null);
  const [words, setWords] = useState<string | null>(null);
  const open = taking.value;
  useEffect(() => {
    if (open) void places().then(setKnown);
    else setKnown(null);
  }, [open]);
  if (!may("set_grade")) return null;
  return (
    <section class="report">
      <button
        type="button"
        class="do"
        aria-expanded={open}
        disabled={stale.value}
        onClick={() => {
          setWords(null);
          taking.value = !open;
        }}
      >
        {say("report.take")} <kbd>T</kbd>
      </button>
      {words !== null && (
        <span class="done" role="status">
          ✓ {words}
        </span>
      )}
      {open && typeof known === "string" && (
        <p class="trouble" role="alert">
          {say("do.failed", { why: known })}
        </p>
      )}
      {open && known !== null && typeof known !== "string" && (
        <Form
          known={known}
          done={(said) => {
            taking.value = false;
            setWords(said);
          }}
        />
      )}
    </section>
  );
}
