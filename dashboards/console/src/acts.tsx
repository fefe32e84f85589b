// What the officer can do: acknowledge, release, cancel. Each says what it means before it is done, and has a named
// person and a reason. A wish is sent under one key however often it is tried.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { GradeMark } from "./marks";
import { lost, may, session } from "./session";
import { ask, detail, selected, stale } from "./state";
import type { Detail, Right, Summary } from "./wire";
import { say, sayCode } from "./words";

export type Act = "ack" | "release" | "cancel";

const RIGHTS: Record<Act, Right> = { ack: "acknowledge", release: "release", cancel: "cancel" };

/** Whether whoever is signed in may do it to the warning looked at; their scope counts once its story is here. */
export function mayHere(act: Act, whole: Detail | null): boolean {
  return whole !== null && whole.id === selected.value ? whole.may.includes(RIGHTS[act]) : may(RIGHTS[act]);
}

/** The act whose form is open. */
export const opened = signal<Act | null>(null);

const NAME_KEPT_AS = "watchfire.who";

function keptName(): string {
  try {
    return localStorage.getItem(NAME_KEPT_AS) ?? "";
  } catch {
    return "";
  }
}

function keepName(who: string): void {
  try {
    localStorage.setItem(NAME_KEPT_AS, who);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

function newKey(): string {
  // `randomUUID` is there in secure contexts only; a console reached by an address on the county's network is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function meaning(act: Act, warning: Summary): string {
  if (act === "release") {
    const waiting = warning.waiting;
    return waiting === null ? say("do.release.nothing") : say("do.release.means", { class: sayCode("class", waiting.class) });
  }
  return act === "ack" ? say("do.ack.means", { n: warning.version }) : say("do.cancel.means");
}

function Form({ act, warning, done }: { act: Act; warning: Summary; done: (words: string) => void }) {
  // Whoever signed in acts; only where acts are done for others is their name asked.
  const named = session.value?.acts_for === true;
  const self = session.value?.account?.name ?? "";
  const [who, setWho] = useState(() => (named ? keptName() : self));
  const [why, setWhy] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  // The version that was looked at when the form was opened: what comes later has not been seen.
  const seen = useRef(act === "release" && warning.waiting !== null ? warning.waiting.version : warning.version);
  const key = useRef(newKey());
  const first = useRef<HTMLInputElement>(null);
  const second = useRef<HTMLInputElement>(null);
  useEffect(() => (who === "" ? first : second).current?.focus(), []);

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (who.trim() === "" || why.trim() === "") {
      setTrouble(say("do.need"));
      return;
    }
    if (stale.value) {
      setTrouble(say("do.offline"));
      return;
    }
    setSending(true);
    if (named) keepName(who.trim());
    const answer = await ask<Summary | null>(`/api/v1/warnings/${encodeURIComponent(warning.id)}/${act}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key.current },
      body: JSON.stringify({ ...(named ? { who: who.trim() } : {}), why: why.trim(), version: seen.current }),
    });
    setSending(false);
    if (!("failed" in answer)) {
      done(say(`do.done.${act}`, { who: who.trim() }));
      return;
    }
    if (answer.failed.status === 401) void lost();
    const refused = answer.failed.refusal?.refused;
    setTrouble(refused === "stale" ? say("do.refused.stale") : say("do.failed", { why: answer.failed.detail }));
    if (refused !== undefined) {
      // It was heard and refused: another try is another wish, at what is seen now.
      key.current = newKey();
      seen.current = act === "release" && warning.waiting !== null ? warning.waiting.version : warning.version;
    }
  };

  return (
    <form class={`act-form ${act}`} onSubmit={(event) => void send(event)}>
      <p class="meaning">
        {act === "release" && warning.waiting !== null && <GradeMark grade={warning.waiting.grade} size={18} />} {meaning(act, warning)}
      </p>
      {named && (
        <label>
          {say("do.who")}
          <input ref={first} value={who} maxLength={100} autocomplete="name" required onInput={(event) => setWho(event.currentTarget.value)} />
        </label>
      )}
      <label class="grow">
        {say("do.why")}
        <input ref={second} value={why} maxLength={1000} autocomplete="off" required onInput={(event) => setWhy(event.currentTarget.value)} />
      </label>
      <button type="submit" class={`do ${act}`} disabled={sending || stale.value}>
        {sending ? say("do.sending") : say("do.send", { act: say(`do.${act}`) })}
      </button>
      <button type="button" class="quiet-button" onClick={() => (opened.value = null)}>
        {say("do.back")}
      </button>
      {trouble !== null && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
    </form>
  );
}

export function Acts({ warning }: { warning: Summary }) {
  const [words, setWords] = useState<string | null>(null);
  useEffect(() => {
    opened.value = null;
    setWords(null);
  }, [selected.value]);
  const act = opened.value;
  const open = (which: Act): void => {
    setWords(null);
    opened.value = act === which ? null : which;
  };
  return (
    <section class="acts">
      <div class="act-buttons">
        {mayHere("ack", detail.value) && (
          <button type="button" class={`do ack ${warning.unacked ? "due" : ""}`} aria-expanded={act === "ack"} disabled={stale.value} onClick={() => open("ack")}>
            {say("do.ack")} <kbd>A</kbd>
          </button>
        )}
        {mayHere("release", detail.value) && (
          <button
            type="button"
            class={`do release ${warning.waiting !== null ? "due" : ""}`}
            aria-expanded={act === "release"}
            disabled={stale.value || warning.waiting === null}
            title={warning.waiting === null ? say("do.release.nothing") : undefined}
            onClick={() => open("release")}
          >
            {say("do.release")} <kbd>R</kbd>
          </button>
        )}
        {words !== null && (
          <span class="done" role="status">
            ✓ {words}
          </span>
        )}
        {mayHere("cancel", detail.value) && (
          <button type="button" class="do cancel" aria-expanded={act === "cancel"} disabled={stale.value} onClick={() => open("cancel")}>
            {say("do.cancel")}
          </button>
        )}
      </div>
      {act !== null && (
        <Form
          key={act}
          act={act}
          warning={warning}
          done={(said) => {
            opened.value = null;
            setWords(said);
          }}
        />
      )}
    </section>
  );
}
